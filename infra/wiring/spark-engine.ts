// The batch engine over Spark: a thread a training, which holds a session there instead of helpers, so that no other thread has to
// wait for what it reads back.
import type { BatchEngine } from '#ports/batch-engine'
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Health } from '#ports/lifecycle'
import { createWorkerBatchEngine } from '../embedded/batch-engine.ts'
import { sparkConfig } from '../spark/config.ts'
import { whyUnreachable } from '../spark/reachable.ts'
import { abandonTraining } from '../spark/training-session.ts'
import type { FilesPlace } from './files-place.ts'

/** A thread whose training is cancelled tells Spark so, and Spark answers within seconds. */
const STOP_MS = 10_000

export interface SparkEngineOptions {
  /** `sc://host:port`. */
  readonly url: string
  readonly files: FilesPlace
  readonly clock: Clock
  /** The file a thread starts with. */
  readonly entry: URL
}

/** @throws MillraceError CONFIG_INVALID */
export function createSparkEngine({ url, files, clock, entry }: SparkEngineOptions): BatchEngine {
  const { address } = sparkConfig(url)
  const engine = createWorkerBatchEngine({
    entry,
    workerData: { files, batch: url },
    threads: 1,
    stopMs: STOP_MS,
    place: { name: 'Spark', memoryBytes: null },
    abandon: ({ versionId }) => abandonTraining({ url, clock, versionId }),
  })
  const health = async (): Promise<Health> => {
    const reason = await whyUnreachable(url)
    if (reason === null) return engine.health()
    const { message, hint } = new MillraceError('SPARK_UNREACHABLE', { address, reason })
    return { name: 'batch', status: 'failed', detail: message, hint }
  }
  return { ...engine, health }
}
