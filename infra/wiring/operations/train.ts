// `train`: registers the engine on first use and waits until its new version is live.
import { MillraceError } from '#ports/errors'
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'
import { optionalInteger, text } from './arguments.ts'
import { engineNamed } from './change.ts'
import { register } from './engines.ts'
import type { OperationContext } from './operation.ts'

/** args: as `register`, or `engineId` alone of an engine that is registered; `asOf` in milliseconds. */
export async function train(
  platform: Platform,
  args: JsonObject,
  context: OperationContext,
): Promise<Json> {
  const { queue, directory, clock } = platform
  const engineId =
    args.variant === undefined ? text(args, 'engineId') : await register(platform, args)
  engineNamed(directory.state, engineId)
  const asOf = optionalInteger(args, 'asOf')
  const called = clock.monotonic()
  const job = await queue.add('train', engineId, { engineId, asOf })
  const ended = await queue.follow(job.id, (progress) => context.progress(progress))
  if (ended.state === 'waiting' || ended.state === 'running') {
    throw new MillraceError('JOB_INTERRUPTED', { what: `the training of ${engineId}` })
  }
  if (ended.state !== 'done') {
    const reason = ended.error === null ? ended.state : ended.error.message
    if (ended.state === 'cancelled')
      throw new MillraceError('TRAINING_CANCELLED', { engine: engineId })
    if (ended.error?.code === 'TRAINING_NO_EVENTS') throw noEvents(platform, engineId, reason)
    throw new MillraceError('TRAINING_FAILED', { engine: engineId, reason })
  }
  const seconds = (clock.monotonic() - called) / 1000
  return { engineId, jobId: job.id, seconds, ...ended.result }
}

/** The error of the training again: a job keeps its message, and that says everything. */
function noEvents({ directory }: Platform, engine: string, message: string): MillraceError {
  const { appId } = engineNamed(directory.state, engine)
  const app = directory.state.apps.get(appId)?.name ?? String(appId)
  const parts = message.match(/ has no (.+?) events to train .+?: (.+)\.$/s)
  const event = parts?.[1] ?? 'primary'
  const reason = parts?.[2] ?? message
  return new MillraceError('TRAINING_NO_EVENTS', { app, event, engine, reason })
}

/** Cancels the training of an engine that runs or waits. */
export async function trainCancel({ queue }: Platform, args: JsonObject): Promise<Json> {
  const engineId = text(args, 'engineId')
  const jobs = (await queue.list(200)).filter(
    (job) =>
      job.name === 'train' && job.key === engineId && ['waiting', 'running'].includes(job.state),
  )
  if (jobs.length === 0) throw new MillraceError('JOB_NOT_FOUND', { job: `training ${engineId}` })
  for (const job of jobs) await queue.cancel(job.id)
  return { cancelled: jobs.map((job) => job.id) }
}
