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

export interface TrainingPlace {
  /** For manifests and messages. */
  readonly name: NonNullable<Manifest['place']>
  /** Memory that a training can have here now; null where a server decides it. */
  readonly memoryBytes: number | null
}

export interface BatchEngine extends Closable, HealthSource {
  /**
   * Trains and writes the model of `versionId` through the models port; resolves with its manifest.
   * @throws MillraceError TRAINING_NO_EVENTS, TRAINING_CANCELLED, ARCHIVE_CORRUPT, DISK_FULL, TRAINING_FAILED,
   *   SPARK_UNREACHABLE, SPARK_REFUSED, SPARK_LOST, SPARK_DEADLINE
   */
  train(
    task: TrainTask,
    options: { readonly signal: AbortSignal; readonly progress: (p: JobProgress) => void },
  ): Promise<Manifest>
  /** Ends what a process that is gone left running of a training on a server; nothing when there is no such thing. */
  abandon(training: Pick<TrainTask, 'engineId' | 'versionId'>): Promise<void>
  /** Where the trainings of an engine run. */
  placeOf(engineId: string): TrainingPlace
}
