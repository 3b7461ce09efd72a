// Harness' HTTP face over the platform: engines, imports and erasures through the operations of the command line, events
// through ingest's own rules and writer, trainings through the job queue.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { asMillraceError, MillraceError } from '#ports/errors'
import { everyEvent } from '#ports/event-store'
import type { Job, JobState } from '#ports/job-queue'
import type { AccessKey, Engine } from '#schemas/directory'
import { normalised, type ParsedEngine, parseEngineJson } from '#schemas/engines/parse'
import { USER_TYPE } from '#schemas/engines/universal'
import { DEFAULT_CHANNEL, type Event } from '#schemas/event'
import type { JsonObject } from '#schemas/json'
import { acceptEvent } from '../../ingest/accept-event.ts'
import type { Grant } from '../../ingest/access.ts'
import type { Intake } from '../../ingest/intake.ts'
import type { RequestContext } from '../../ingest/record.ts'
import type { HarnessFace, HarnessJob, HarnessJobStatus } from '../../serving/harness-face.ts'
import { appNew, dataDelete } from './operations/apps.ts'
import { engineRemove, register } from './operations/engines.ts'
import { endEntity } from './operations/erase.ts'
import { startImport } from './operations/import.ts'
import type { Platform } from './platform.ts'

/** Jobs that are over in an engine's status, as many as Harness keeps. */
const ENDED_SHOWN = 10
const JOBS_READ = 200
/** Files of a folder that one call imports. */
const IMPORT_FILES_MAX = 1000
/** How messages name the configuration. */
const BODY = 'the body'

export function createHarnessFace(platform: Platform, intake: Intake): HarnessFace {
  const { directory, queue, store } = platform

  async function jobsOf(engine: Engine): Promise<readonly Job[]> {
    const jobs = await queue.list(JOBS_READ)
    return jobs.filter(({ data, key, name }) =>
      name === 'train' ? key === engine.id : name === 'import' && data.app === engine.appId,
    )
  }

  return {
    async add(config) {
      const { appName, id } = parsed(config)
      if (directory.state.engines.has(id)) throw new MillraceError('ENGINE_EXISTS', { engine: id })
      if (!appNames(platform).includes(appName)) await appNew(platform, { name: appName })
      return register(platform, { variant: config, file: BODY })
    },
    async update(engine, config) {
      await register(platform, { variant: config, file: BODY, engineId: engine.id })
    },
    async remove(engine) {
      const own = ownApp(platform, engine)
      for (const job of await jobsOf(engine)) {
        // An import into an app that others read goes on.
        if (!isOver(job) && (job.name === 'train' || own !== null)) await queue.cancel(job.id)
      }
      await engineRemove(platform, { id: engine.id })
      if (own !== null) await dataDelete(platform, { name: own, all: true })
    },
    async input(engine, key, body) {
      const accepted = await acceptEvent(intake, requestContext(platform, engine, key), body)
      const { outcome } = accepted
      if (outcome === 'limited' || outcome === 'forbidden') throw accepted.error
      return accepted
    },
    async train({ id }) {
      return shown(await queue.add('train', id, { engineId: id, asOf: null }))
    },
    async import(engine, path) {
      const started: Job[] = []
      for (const input of await filesAt(path)) {
        started.push(await startImport(platform, { appId: engine.appId, input }, () => {}))
      }
      const [first] = started
      if (first === undefined) {
        throw new MillraceError('FILE_UNREADABLE', { file: path, reason: 'the folder is empty' })
      }
      const all = started.map(({ id }) => id).join(', ')
      return started.length === 1 ? shown(first) : { ...shown(first), comment: `Jobs ${all}` }
    },
    async jobs(engine) {
      const jobs = await jobsOf(engine)
      const ended = jobs.filter(isOver).slice(0, ENDED_SHOWN)
      return jobs.filter((job) => !isOver(job) || ended.includes(job)).map(shown)
    },
    async cancel(engine, jobId) {
      const job = (await jobsOf(engine)).find(({ id }) => id === jobId)
      if (job === undefined) throw new MillraceError('JOB_NOT_FOUND', { job: jobId })
      await queue.cancel(job.id)
    },
    async events(engine, user, from, num) {
      await intake.barrier.passed(null)
      const found: Event[] = []
      if (num === 0) return found
      let place = 0
      const events = store.find({
        ...everyEvent(engine.appId, DEFAULT_CHANNEL),
        entityType: USER_TYPE,
        entityId: user,
        reversed: true,
        limit: from + num,
      })
      for await (const event of events) if (place++ >= from) found.push(event)
      return found
    },
    async erase(engine, user) {
      const app = directory.state.apps.get(engine.appId)?.name ?? ''
      const ended = await endEntity(platform, { app, entityType: USER_TYPE, entityId: user })
      return ended.events.own
    },
  }
}

/** @throws MillraceError ENGINE_JSON_INVALID */
function parsed(config: JsonObject): ParsedEngine {
  try {
    return parseEngineJson(config, BODY)
  } catch (error) {
    throw asMillraceError(error)
  }
}

function appNames({ directory }: Platform): readonly string[] {
  return [...directory.state.apps.values()].map(({ name }) => name)
}

/**
 * The app that is an engine's own data set, as each engine of Harness has one: it bears the engine's name and no other
 * engine reads it. Null when there is none.
 */
function ownApp({ directory }: Platform, { appId, id }: Engine): string | null {
  const { apps, engines } = directory.state
  const name = apps.get(appId)?.name
  if (name === undefined || normalised(name) !== id) return null
  const shared = [...engines.values()].some((other) => other.appId === appId && other.id !== id)
  return shared ? null : name
}

function requestContext(
  { clock, ids, log }: Platform,
  { appId }: Engine,
  key: AccessKey | null,
): RequestContext {
  const grant: Grant = {
    // Events of this machine share one bucket an app.
    key: key?.hash ?? `app ${appId}`,
    app: appId,
    channel: DEFAULT_CHANNEL,
    events: key === null || key.events.length === 0 ? null : new Set(key.events),
    labels: { app: String(appId) },
  }
  return { grant, idempotencyKey: null, now: clock.now(), partitions: log.partitions, ids }
}

/** The file itself, or the files in a folder by name, without those that begin with a dot. */
async function filesAt(path: string): Promise<readonly string[]> {
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
  if (!isFolder) return [path]
  const entries = await readdir(path, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
  if (files.length > IMPORT_FILES_MAX) {
    const reason = `it holds ${files.length} files, at most ${IMPORT_FILES_MAX} are imported at once`
    throw new MillraceError('FILE_UNREADABLE', { file: path, reason })
  }
  return files.map(({ name }) => join(path, name)).toSorted()
}

const isOver = ({ endedAt }: Job): boolean => endedAt !== null

const STATUS: Readonly<Record<JobState, HarnessJobStatus>> = {
  waiting: 'queued',
  running: 'executing',
  done: 'successful',
  failed: 'failed',
  cancelled: 'cancelled',
}

function shown({ createdAt, data, endedAt, error, id, name, progress, state }: Job): HarnessJob {
  const what = name === 'train' ? 'Training of the engine' : `Import of ${String(data.path)}`
  return {
    jobId: id,
    status: STATUS[state],
    comment: error?.message ?? (progress === null ? what : `${what}: ${progress.step}`),
    createdAt: new Date(createdAt).toISOString(),
    completedAt: endedAt === null ? null : new Date(endedAt).toISOString(),
  }
}
