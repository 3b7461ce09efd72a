// The batch engine runs one training from archive to model files, away from the threads that serve.
import type { JsonObject } from '#schemas/json'
import type { Manifest } from '#schemas/model'
import type { Watermark } from '#schemas/position'
import type { JobProgress } from './job-queue.ts'
import type { Closable, HealthSource } from './lifecycle.ts'

export interface TrainTask {
  readonly app: number
  /** For messages. */
  readonly appName: string
  readonly engineId: string
  readonly versionId: string
  readonly factory: string
  readonly variant: JsonObject
  /** Exactly the effective events below it are read. */
  readonly watermark: Watermark
  /** Clock of windows and rankings, milliseconds. */
  readonly asOf: number
}

export interface BatchEngine extends Closable, HealthSource {
  /**
   * Trains and writes the model of `versionId` through the models port; resolves with its manifest.
   * @throws MillraceError TRAINING_NO_EVENTS, TRAINING_CANCELLED, ARCHIVE_CORRUPT, DISK_FULL, TRAINING_FAILED
   */
  train(
    task: TrainTask,
    options: { readonly signal: AbortSignal; readonly progress: (p: JobProgress) => void },
  ): Promise<Manifest>
}
