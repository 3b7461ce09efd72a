// `import`: reads a file of events as a job that a restart resumes.
import { stat } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { MillraceError } from '#ports/errors'
import type { Job } from '#ports/job-queue'
import type { App, DirectoryState } from '#schemas/directory'
import { derivedId } from '#schemas/ids'
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'
import { optionalInteger, optionalText, text } from './arguments.ts'
import { appNamed, channelNumber } from './change.ts'
import type { OperationContext } from './operation.ts'

/** args: `input` (absolute path), `appId` or `app`, `channel`, `shift` (milliseconds added to every event time). */
export async function importEvents(
  platform: Platform,
  args: JsonObject,
  context: OperationContext,
): Promise<Json> {
  const path = text(args, 'input')
  const job = await startImport(platform, args, (line) => context.note(line))
  const ended = await platform.queue.follow(job.id, (progress) => context.progress(progress))
  if (ended.state === 'done') return ended.result
  if (ended.state === 'waiting' || ended.state === 'running') {
    throw new MillraceError('JOB_INTERRUPTED', { what: `the import of ${path}` })
  }
  const reason = ended.error?.message ?? `it was ${ended.state}`
  if (ended.error?.code === 'DISK_FULL' || ended.error?.code === 'LOG_FULL') {
    throw new MillraceError('DISK_FULL', {
      what: `the import of ${path} stopped; run it again to go on`,
    })
  }
  throw new MillraceError('FILE_UNREADABLE', { file: path, reason })
}

/**
 * The job that imports a file, args as of `importEvents`: the unfinished one of this file if there is one, else a new one.
 * @throws MillraceError APP_NOT_FOUND, CHANNEL_NOT_FOUND, FILE_NOT_FOUND, FILE_UNREADABLE, PARAMETER_INVALID
 */
export async function startImport(
  platform: Platform,
  args: JsonObject,
  note: (line: string) => void,
): Promise<Job> {
  const { directory, queue } = platform
  const app = appOf(directory.state, args)
  const channel = channelNumber(directory.state, app, optionalText(args, 'channel'))
  const path = text(args, 'input')
  const { size, mtimeMs } = await fileAt(path)
  const shift = optionalInteger(args, 'shift') ?? 0
  const key = derivedId(app.id, channel, path, size, Math.floor(mtimeMs), shift)
  const earlier = (await queue.list(200)).find((job) => job.name === 'import' && job.key === key)
  const unfinished = earlier !== undefined && earlier.state !== 'done'
  if (unfinished) note(`resuming the import ${earlier.id} of this file`)
  if (unfinished && (earlier.state === 'waiting' || earlier.state === 'running')) return earlier
  return queue.add('import', key, {
    path,
    app: app.id,
    channel,
    shift,
    // The same for every attempt at one import, so that a line read twice is a repeat.
    importId: unfinished
      ? (earlier.data.importId ?? null)
      : derivedId(key, platform.ids(platform.clock.now())),
    resume: unfinished ? earlier.checkpoint : null,
  })
}

/** The app by number or by name. @throws MillraceError APP_NOT_FOUND */
export function appOf(state: DirectoryState, args: JsonObject): App {
  const id = optionalInteger(args, 'appId')
  if (id === null) return appNamed(state, text(args, 'app'))
  const app = state.apps.get(id)
  if (app === undefined) throw new MillraceError('APP_NOT_FOUND', { app: id })
  return app
}

async function fileAt(path: string): Promise<{ size: number; mtimeMs: number }> {
  if (!isAbsolute(path))
    throw new MillraceError('PARAMETER_INVALID', {
      name: 'input',
      reason: 'an absolute path is needed',
    })
  try {
    const info = await stat(path)
    if (info.isFile()) return info
  } catch {
    throw new MillraceError('FILE_NOT_FOUND', { file: path })
  }
  throw new MillraceError('FILE_UNREADABLE', { file: path, reason: 'it is not a file' })
}
