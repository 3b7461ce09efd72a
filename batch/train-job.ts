// A training as a job:
//
//   open version ─ barriers ─ archive closed there ─ watermark ─ batch engine ─ index sink past the barriers ─ publish ─
//   check ─ activate ─ (a minute later) retire what is older than the previous version
//
// Whatever fails or is cancelled before "activate" closes the version with its reason and removes what it made; what
// answered before still answers. A job that begins again after a crash cancels the version it had open and opens another.
import type { Archive } from '#ports/archive'
import type { BatchEngine } from '#ports/batch-engine'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { JobContext, JobQueue } from '#ports/job-queue'
import { aborted, type Closable } from '#ports/lifecycle'
import type { Log } from '#ports/log'
import type { ArchiveCloser, Watermarks } from '#ports/watermarks'
import { encodeRecord } from '#schemas/codec'
import type { DirectoryState, Engine, ModelVersion } from '#schemas/directory'
import type { IdSource } from '#schemas/ids'
import type { JsonObject } from '#schemas/json'
import type { Manifest } from '#schemas/model'
import type { Watermark } from '#schemas/position'
import { bounded } from './bounded.ts'
import {
  activateVersion,
  type PublishDeps,
  publishVersion,
  RETIRE_AFTER_MS,
  removeOldModels,
  retireOldVersions,
  rollBack,
} from './publish.ts'
import { archivedRows, assertFits, estimateText, estimateTraining } from './training-estimate.ts'
import { TRAINING_RETRIES } from './training-retries.ts'
import { engineOf, versionOf, writeChange } from './version-records.ts'

export const TRAIN_JOB = 'train'

/** How long the sinks may take to reach the barriers. */
const SINK_WAIT_MS = 600_000

export interface TrainingDeps extends PublishDeps {
  /** False where another process runs the jobs that this one asks for. */
  readonly runsJobs?: boolean
  readonly queue: JobQueue
  readonly log: Log
  readonly archive: ArchiveCloser
  readonly ranges: Archive['ranges']
  readonly watermarks: Watermarks
  readonly batch: BatchEngine
  readonly ids: IdSource
}

export interface Training extends Closable {
  /** See `rollBack`; what is too old is retired afterwards as after a training. */
  rollback(engineId: string, versionId: string | null): Promise<string>
}

/** One run of the job, with its ways to be stopped. */
interface Run {
  readonly deps: TrainingDeps
  readonly context: JobContext
  readonly engineId: string
  readonly asOf: number
  /** Aborts when the job is cancelled, and when the process stops. */
  readonly signal: AbortSignal
}

/**
 * Runs jobs named `train` with data `{ engineId, asOf }` (milliseconds or null: when the job began) and the engine's id
 * as key, one at a time an engine. The result of a job: `{ engineId, versionId, seconds, … counts }`.
 */
export function registerTrainJob(deps: TrainingDeps): Training {
  const closing = new AbortController()
  const retireLater = (engineId: string): void => {
    void retireAfterAWhile(deps, engineId, closing.signal)
  }
  const run = async (context: JobContext): Promise<JsonObject> => {
    const engineId = String(context.job.data.engineId)
    const { asOf } = context.job.data
    const signal = AbortSignal.any([context.signal, closing.signal])
    const started = context.job.startedAt ?? deps.clock.now()
    const training: Run = {
      deps,
      context,
      engineId,
      asOf: typeof asOf === 'number' ? asOf : started,
      signal,
    }
    try {
      const result = await train(training)
      retireLater(engineId)
      deps.telemetry.emit('millrace_trainings_total', 1, { engine: engineId, outcome: 'done' })
      return result
    } catch (error) {
      // The process stops: the queue keeps the job as running and starts it again; nothing is to be decided now.
      if (closing.signal.aborted) await aborted(context.signal)
      const outcome = context.signal.aborted ? 'cancelled' : 'failed'
      deps.telemetry.emit('millrace_trainings_total', 1, { engine: engineId, outcome })
      throw error
    }
  }
  if (deps.runsJobs !== false) deps.queue.process(TRAIN_JOB, run, TRAINING_RETRIES)
  return {
    async rollback(engineId, versionId) {
      const version = await rollBack(deps, engineId, versionId)
      retireLater(engineId)
      return version
    },
    close: async () => closing.abort(),
  }
}

async function train(run: Run): Promise<JsonObject> {
  const { deps, context, engineId } = run
  const { directory, clock, ids } = deps
  const began = clock.monotonic()
  await directory.catchUp()
  const engine = engineOf(directory.state, engineId)
  const earlier = await settleEarlier(run, engine)
  if (earlier !== null) return earlier
  const versionId = ids(clock.now())
  await context.checkpoint({ versionId })
  await writeChange(directory, engineId, { type: 'version-opened', engineId, versionId })
  try {
    const manifest = await makeVersion(
      run,
      engine,
      openedVersion(directory.state, engineId, versionId),
    )
    const seconds = (clock.monotonic() - began) / 1000
    const remarks = [...(manifest.remarks ?? [])]
    const summary: JsonObject = {
      ...manifest.counts,
      seconds,
      ...(remarks.length > 0 && { remarks }),
    }
    await activateVersion(deps, engineId, versionId, summary)
    deps.telemetry.emit('millrace_training_seconds', seconds, { engine: engineId })
    deps.telemetry.log('info', 'training-done', { engineId, versionId, ...summary })
    // The version answers: old files that cannot be removed now will be after the next training.
    await removeOldModels(deps, engineId).catch((error: unknown) => warn(deps, engineId, error))
    return { engineId, versionId, ...summary }
  } catch (error) {
    return abandon(run, versionId, error)
  }
}

/**
 * What an earlier attempt of this job left: its result when it had come to its end, else its open version is cancelled
 * and its files go.
 */
async function settleEarlier(run: Run, engine: Engine): Promise<JsonObject | null> {
  const versionId = run.context.job.checkpoint?.versionId
  if (typeof versionId !== 'string') return null
  const { deps, engineId } = run
  const version = versionOf(engine, versionId)
  const result = liveResult(version)
  if (result !== null) return result
  if (version?.status === 'open') {
    const reason = 'The process ended during the training.'
    await close(deps, engineId, versionId, 'cancelled', reason)
  }
  await deps.batch
    .abandon({ engineId, versionId })
    .catch((error: unknown) => warn(deps, engineId, error))
  await deps.models.remove(engineId, versionId)
  return null
}

/** As the directory has it: its parameters are those of the moment it was opened, whatever was registered around then. */
function openedVersion(state: DirectoryState, engineId: string, versionId: string): ModelVersion {
  const version = versionOf(engineOf(state, engineId), versionId)
  if (version !== undefined) return version
  throw new MillraceError('VERSION_NOT_FOUND', { engine: engineId, version: versionId })
}

/** Everything between opening a version and making it the one that answers. */
async function makeVersion(
  run: Run,
  engine: Engine,
  { id: versionId, variant }: ModelVersion,
): Promise<Manifest> {
  const { deps, context, engineId, signal } = run
  const { directory, clock, watermarks } = deps
  const bounds = { clock, signal, ms: SINK_WAIT_MS, engine: engineId }
  const step = (name: string): void => context.progress({ step: name, done: 0, total: 0, unit: '' })
  step('close')
  const watermark = await placeBarriers(run, engine, versionId)
  await bounded(deps.archive.closeAt(watermark), { ...bounds, what: 'closing the archive' })
  await writeChange(directory, engineId, {
    type: 'version-watermarked',
    engineId,
    versionId,
    watermark,
  })
  await estimate(run, engine, watermark)
  const { factory, appId: app } = engine
  const appName = directory.state.apps.get(app)?.name ?? String(app)
  const manifest = await deps.batch.train(
    { app, appName, engineId, versionId, factory, variant, watermark, asOf: run.asOf },
    { signal, progress: (progress) => context.progress(progress) },
  )
  step('publish')
  const passed = watermarks.waitFor('index', watermark, SINK_WAIT_MS)
  const reached = await bounded(passed, { ...bounds, what: 'the item index' })
  if (!reached) {
    const reason = 'the item index did not reach the place of the training in time'
    throw new MillraceError('TRAINING_FAILED', { engine: engineId, reason })
  }
  await publishVersion(deps, engine, { id: versionId, variant })
  if (signal.aborted) throw new MillraceError('TRAINING_CANCELLED', { engine: engineId })
  return manifest
}

/** Says what the training will take. @throws MillraceError TRAINING_TOO_LARGE when there is no room for it */
async function estimate(run: Run, engine: Engine, watermark: Watermark): Promise<void> {
  const { deps, context, engineId } = run
  const place = deps.batch.placeOf(engineId)
  const [ranges, manifests] = await Promise.all([deps.ranges(), deps.models.list(engineId)])
  const events = archivedRows(ranges, engine.appId, watermark)
  const estimated = estimateTraining({ events, manifests, place })
  const note = estimateText(engineId, estimated, place)
  context.progress({ step: 'estimate', done: 0, total: 0, unit: '', note })
  assertFits(engineId, estimated, place)
}

/** A barrier in every partition; returns the watermark just behind them. */
async function placeBarriers(run: Run, engine: Engine, versionId: string): Promise<Watermark> {
  const { log, clock } = run.deps
  const barrier = encodeRecord({
    kind: 'barrier',
    appendId: versionId,
    app: engine.appId,
    engineId: engine.id,
    versionId,
    creationTime: clock.now(),
  })
  const partitions = Array.from({ length: log.partitions }, (_, partition) => partition)
  const places = await Promise.all(partitions.map((p) => log.append(p, [barrier])))
  return { generation: log.generation, offsets: places.map(({ offset }) => offset + 1) }
}

/**
 * Closes a version that came to nothing, removes what it made and throws why. Nothing is removed before it is known to be
 * closed: the word that it answers may have got lost, and then it does. Its result is returned in that case.
 */
async function abandon(run: Run, versionId: string, thrown: unknown): Promise<JsonObject> {
  const { deps, engineId, context, signal } = run
  const cancelled = signal.aborted
  const error = cancelled
    ? new MillraceError('TRAINING_CANCELLED', { engine: engineId }, { cause: thrown })
    : failure(engineId, thrown)
  // The process stops: the attempt that follows settles this version.
  if (cancelled && !context.signal.aborted) throw error
  const { code, message } = error
  const status = cancelled ? 'cancelled' : 'failed'
  const closed = await close(deps, engineId, versionId, status, message).then(
    () => true,
    (failed: unknown) => {
      warn(deps, engineId, failed)
      return false
    },
  )
  const result = liveResult(versionOf(deps.directory.state.engines.get(engineId), versionId))
  if (result !== null) return result
  const fields = { engineId, versionId, code, message }
  deps.telemetry.log(cancelled ? 'info' : 'error', 'training-ended', fields)
  const undo = [
    () => deps.index.retire(engineId, versionId),
    () => deps.models.remove(engineId, versionId),
  ]
  for (const one of closed ? undo : []) {
    await one().catch((failed: unknown) => warn(deps, engineId, failed))
  }
  throw error
}

/** What a training of this version came to, when it answers or has answered. */
function liveResult(version: ModelVersion | undefined): JsonObject | null {
  if (version === undefined) return null
  const { engineId, id: versionId, status, summary } = version
  const isLive = status === 'active' || status === 'previous' || status === 'archived'
  return isLive ? { engineId, versionId, ...summary } : null
}

/** Errors that say by themselves what to do stay; any other becomes TRAINING_FAILED. */
function failure(engine: string, thrown: unknown): MillraceError {
  const error = asMillraceError(thrown)
  if (error.code !== 'INTERNAL') return error
  const reason = thrown instanceof Error ? thrown.message : String(thrown)
  return new MillraceError('TRAINING_FAILED', { engine, reason }, { cause: thrown })
}

async function close(
  { directory }: TrainingDeps,
  engineId: string,
  versionId: string,
  status: 'failed' | 'cancelled',
  reason: string,
): Promise<void> {
  await directory.catchUp()
  // Another opening has closed it, or the engine is gone: there is nothing left to say.
  if (versionOf(directory.state.engines.get(engineId), versionId)?.status !== 'open') return
  const change = { type: 'version-closed', engineId, versionId, status, reason } as const
  await writeChange(directory, engineId, change)
}

async function retireAfterAWhile(
  deps: TrainingDeps,
  engineId: string,
  signal: AbortSignal,
): Promise<void> {
  await deps.clock.sleep(RETIRE_AFTER_MS, signal)
  if (signal.aborted) return
  await retireOldVersions(deps, engineId).catch((error: unknown) => warn(deps, engineId, error))
}

function warn(
  { telemetry }: { telemetry: PublishDeps['telemetry'] },
  engineId: string,
  error: unknown,
): void {
  const { code, message } = asMillraceError(error)
  telemetry.log('warn', 'training-leftover', { engineId, code, message })
}
