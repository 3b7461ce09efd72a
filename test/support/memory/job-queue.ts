// The job queue in memory: nothing survives, everything else is as the port says.
import type { Clock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import {
  JOBS_KEPT,
  type Job,
  type JobHandler,
  type JobProgress,
  type JobQueue,
  pauseBeforeRetry,
  type Retries,
  retryProgress,
} from '#ports/job-queue'

interface Work {
  readonly handler: JobHandler
  readonly retries: Retries | undefined
}

interface Entry {
  job: Job
  readonly abort: AbortController
  readonly listeners: Set<(progress: JobProgress) => void>
  readonly ended: PromiseWithResolvers<void>
}

export function createMemoryJobQueue(options: { clock: Clock }): JobQueue {
  const { clock } = options
  const entries: Entry[] = []
  const works = new Map<string, Work>()
  let closed = false
  let added = 0
  const find = (id: string): Entry | undefined => entries.find(({ job }) => job.id === id)
  const endOf = ({ job }: Entry): number => job.endedAt ?? Number.POSITIVE_INFINITY
  const over = (job: Job): boolean => job.endedAt !== null

  const end = (entry: Entry, change: Partial<Job>): void => {
    entry.job = { ...entry.job, ...change, endedAt: clock.now() }
    entry.ended.resolve()
    const ended = entries.filter(({ job }) => over(job)).sort((a, b) => endOf(a) - endOf(b))
    for (const old of ended.slice(0, -JOBS_KEPT)) entries.splice(entries.indexOf(old), 1)
    startNext()
  }
  const tell = (entry: Entry, progress: JobProgress): void => {
    entry.job = { ...entry.job, progress }
    for (const listener of entry.listeners) listener(progress)
  }
  const failed = async (entry: Entry, thrown: unknown, retries?: Retries): Promise<void> => {
    const error = asMillraceError(thrown).toJSON()
    const failures = entry.job.failures + 1
    const pause = pauseBeforeRetry(retries, entry.job.failures, error.code)
    if (retries === undefined || pause === null) return end(entry, { state: 'failed', error })
    tell(entry, retryProgress(retries, failures, pause, error))
    entry.job = { ...entry.job, state: 'waiting', failures, retryAt: clock.now() + pause, error }
    await clock.sleep(pause, entry.abort.signal)
    if (over(entry.job)) return
    entry.job = { ...entry.job, retryAt: null }
    startNext()
  }
  const run = async (entry: Entry, { handler, retries }: Work): Promise<void> => {
    const { job } = entry
    entry.job = { ...job, state: 'running', startedAt: clock.now(), attempts: job.attempts + 1 }
    try {
      const result = await handler({
        job: entry.job,
        signal: entry.abort.signal,
        progress: (progress) => tell(entry, progress),
        checkpoint: async (checkpoint) => {
          entry.job = { ...entry.job, checkpoint }
        },
      })
      end(entry, { state: 'done', result, error: null })
    } catch (error) {
      if (entry.abort.signal.aborted) end(entry, { state: 'cancelled' })
      else await failed(entry, error, retries)
    }
  }
  const startNext = (): void => {
    if (closed) return
    const busy = new Set<string>()
    for (const { job } of entries) if (job.state === 'running') busy.add(job.key)
    for (const entry of entries) {
      const { job } = entry
      const work = works.get(job.name)
      if (job.state !== 'waiting' || busy.has(job.key)) continue
      busy.add(job.key)
      if (work && job.retryAt === null) void run(entry, work)
    }
  }
  return {
    async add(name, key, data) {
      const waiting = entries.find(({ job }) => job.state === 'waiting' && job.key === key)
      if (waiting) return waiting.job
      const job: Job = {
        id: `job-${++added}`,
        name,
        key,
        data,
        state: 'waiting',
        progress: null,
        result: null,
        error: null,
        createdAt: clock.now(),
        startedAt: null,
        endedAt: null,
        attempts: 0,
        failures: 0,
        retryAt: null,
        checkpoint: null,
      }
      entries.push({
        job,
        abort: new AbortController(),
        listeners: new Set(),
        ended: Promise.withResolvers<void>(),
      })
      setImmediate(startNext)
      return job
    },
    get: async (id) => find(id)?.job ?? null,
    list: async (limit) =>
      entries
        .map(({ job }) => job)
        .reverse()
        .slice(0, limit),
    process(name, handler, retries) {
      works.set(name, { handler, retries })
      setImmediate(startNext)
    },
    async cancel(id) {
      const entry = find(id)
      if (!entry || over(entry.job)) return false
      entry.abort.abort()
      if (entry.job.state === 'waiting') {
        end(entry, { state: 'cancelled', error: null, retryAt: null })
      }
      await entry.ended.promise
      return entry.job.state === 'cancelled'
    },
    async follow(id, listener) {
      const entry = find(id)
      if (!entry) throw new MillraceError('JOB_NOT_FOUND', { job: id })
      entry.listeners.add(listener)
      if (!over(entry.job)) await entry.ended.promise
      entry.listeners.delete(listener)
      return entry.job
    },
    health: async () => ({ name: 'queue', status: 'ok', detail: 'In memory.' }),
    async close() {
      closed = true
      for (const { job, abort } of entries) if (!over(job)) abort.abort()
      for (const { job, ended } of entries) if (job.state === 'running') await ended.promise
    },
  }
}
