// What a thread of the batch engine does: it reads the archive, trains, writes the model, tells how it goes and ends.
import { setPriority } from 'node:os'
import type { MessagePort } from 'node:worker_threads'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { JobProgress } from '#ports/job-queue'
import type { SqlSession } from '#ports/sql-session'
import { silentTelemetry } from '#ports/telemetry'
import { EngineJsonError } from '#schemas/engines/engine-json-error'
import type { Manifest } from '#schemas/model'
import { newestModel } from '../../batch/engines/newest-model.ts'
import type { Trainer } from '../../batch/engines/trainer.ts'
import { createArchive } from '../archive/archive.ts'
import { createParquetReader } from '../archive/foreign-parquet.ts'
import { createModels } from '../archive/models.ts'
import type {
  TrainingThreadData,
  TrainingThreadMessage,
  TrainingThreadOrder,
} from '../embedded/batch-engine.ts'
import { type FilesPlace, openFilesAt } from './files-place.ts'
import { schemeOf } from './port-urls.ts'
import { startHelpers, TRAINING_NICENESS } from './row-helpers.ts'

export interface TrainData extends TrainingThreadData {
  readonly files: FilesPlace
  /** `worker:`, or where Spark is. */
  readonly batch: string
}

/** Trainers by the name of an engine's factory: in this process, and in SQL. */
export interface Trainers {
  readonly here: Readonly<Record<string, Trainer>>
  readonly sql: Readonly<Record<string, Trainer>>
}

const PROGRESS_EVERY_MS = 100

async function train(
  data: TrainData,
  trainers: Trainers,
  say: (message: TrainingThreadMessage) => void,
  signal: AbortSignal,
): Promise<Manifest> {
  const { task, files: place, threads, batch } = data
  const isSpark = schemeOf('batch', batch) === 'sc:'
  const clock = systemClock
  const trainer = (isSpark ? trainers.sql : trainers.here)[task.factory]
  if (trainer === undefined) {
    const reason = `there is no trainer${isSpark ? ' in SQL' : ''} for the engine ${task.factory}`
    throw new MillraceError('TRAINING_FAILED', { engine: task.engineId, reason })
  }
  const progress = sparingly(clock.monotonic, (now) => say({ type: 'progress', progress: now }))
  const files = await openFilesAt(place, clock)
  const archive = createArchive({ files, telemetry: silentTelemetry, clock })
  const models = createModels({ files, telemetry: silentTelemetry })
  const helpers = startHelpers(threads - 1)
  const sessions = sparkSessions(batch, task.versionId)
  try {
    const previous = () => newestModel(models, task.engineId)
    const local = { archive, clock, correlate: helpers.run, progress, previous, signal }
    const deps = isSpark
      ? { ...local, files, sql: sessions.open, parquet: createParquetReader(files) }
      : local
    const { model, counts, remarks, seconds } = await trainer(task, deps)
    const { engineId, versionId, factory, asOf, watermark } = task
    const trainedAt = clock.now()
    const where = isSpark ? 'Spark' : 'this process'
    return await models.write(
      {
        engineId,
        versionId,
        factory,
        place: where,
        trainedAt,
        asOf,
        watermark,
        counts,
        seconds,
        remarks,
      },
      model,
    )
  } finally {
    await helpers.close()
    await sessions.close()
    await archive.close()
    await files.close()
  }
}

/** The session of this training, which is closed with it: then Spark ends what runs. */
function sparkSessions(
  url: string,
  versionId: string,
): { readonly open: () => Promise<SqlSession>; readonly close: () => Promise<void> } {
  let opened: Promise<SqlSession> | null = null
  return {
    open: () => {
      opened ??= import('../spark/training-session.ts').then(({ openTrainingSession }) =>
        openTrainingSession({ url, clock: systemClock, versionId }),
      )
      return opened
    },
    close: async () => {
      const session = await opened?.catch(() => null)
      await session?.close()
    },
  }
}

/** Passes on the first progress of each step, and then at most ten a second. */
function sparingly(
  now: () => number,
  tell: (progress: JobProgress) => void,
): (progress: JobProgress) => void {
  let step = ''
  let next = 0
  return (progress) => {
    if (progress.step === step && now() < next) return
    step = progress.step
    next = now() + PROGRESS_EVERY_MS
    tell(progress)
  }
}

function failureOf(engine: string, error: unknown): TrainingThreadMessage {
  if (error instanceof MillraceError) {
    return { type: 'failed', code: error.code, details: error.details }
  }
  if (error instanceof EngineJsonError) {
    return { type: 'failed', code: error.code, details: { ...error.details } }
  }
  const reason = error instanceof Error ? error.message : String(error)
  return { type: 'failed', code: 'TRAINING_FAILED', details: { engine, reason } }
}

/** Runs the training of this thread; what it comes to is told to `port`. */
export function runTrainingThread(port: MessagePort, data: TrainData, trainers: Trainers): void {
  const say = (message: TrainingThreadMessage): void => port.postMessage(message)
  setPriority(TRAINING_NICENESS)
  const cancelled = new AbortController()
  port.on('message', ({ type }: TrainingThreadOrder) => {
    if (type === 'cancel') cancelled.abort()
  })
  train(data, trainers, say, cancelled.signal)
    .then(
      (manifest) => say({ type: 'done', manifest }),
      (error: unknown) => say(failureOf(data.task.engineId, error)),
    )
    // Nothing keeps the thread any more.
    .finally(() => port.close())
}
