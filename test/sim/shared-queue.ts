// The job queue that all processes share: jobs outlive their process. A job whose process ends waits again and is taken
// by another, or by the next; a key's jobs run one after the other wherever they run.
import { asMillraceError, MillraceError } from '#ports/errors'
import {
  type Job,
  type JobHandler,
  type JobQueue,
  pauseBeforeRetry,
  type Retries,
} from '#ports/job-queue'
import type { Life, Scheduler } from './scheduler.ts'

export interface SharedQueue {
  readonly jobs: readonly Job[]
  /** The queue as one process sees it. */
  open(life: Life): JobQueue
}

interface Entry {
  job: Job
  /** Of the attempt that runs. */
  abort: AbortController
  readonly ended: PromiseWithResolvers<void>
}

interface Work {
  readonly handler: JobHandler
  readonly retries: Retries | undefined
}

interface Worker {
  readonly life: Life
  readonly works: Map<string, Work>
}

const isOver = ({ state }: Job): boolean => state !== 'waiting' && state !== 'running'

export function createSharedQueue(scheduler: Scheduler): SharedQueue {
  const { clock, random } = scheduler
  const entries: Entry[] = []
  let workers: Worker[] = []
  const change = (entry: Entry, its: Partial<Job>): void => {
    entry.job = { ...entry.job, ...its }
  }
  const finish = (entry: Entry, its: Partial<Job>): void => {
    change(entry, { ...its, endedAt: clock.now() })
    entry.ended.resolve()
    startNext()
  }
  function startNext(): void {
    for (const entry of entries) {
      const { job } = entry
      const sameKey = entries.filter((other) => other.job.key === job.key && !isOver(other.job))
      const free = workers.filter(({ works }) => works.has(job.name))
      if (
        job.state !== 'waiting' ||
        job.retryAt !== null ||
        sameKey[0] !== entry ||
        free.length === 0
      )
        continue
      void run(entry, random.pick(free))
    }
  }
  async function failed(entry: Entry, thrown: unknown, retries?: Retries): Promise<void> {
    const error = asMillraceError(thrown).toJSON()
    const { failures } = entry.job
    const pause = pauseBeforeRetry(retries, failures, error.code)
    if (pause === null) return finish(entry, { state: 'failed', error })
    const retryAt = clock.now() + pause
    change(entry, { state: 'waiting', failures: failures + 1, retryAt, error })
    await clock.sleep(pause)
    if (entry.job.state !== 'waiting') return
    change(entry, { retryAt: null })
    startNext()
  }
  async function run(entry: Entry, { life, works }: Worker): Promise<void> {
    const { handler, retries } = works.get(entry.job.name) as Work
    const abort = new AbortController()
    entry.abort = abort
    change(entry, {
      state: 'running',
      startedAt: clock.now(),
      attempts: entry.job.attempts + 1,
    })
    const crashed = (): void => {
      if (entry.job.state !== 'running' || entry.abort !== abort) return
      if (abort.signal.aborted) finish(entry, { state: 'cancelled' })
      else change(entry, { state: 'waiting' })
      startNext()
    }
    life.ended.addEventListener('abort', crashed, { once: true })
    await scheduler.gate(life, `starts ${entry.job.id}`)
    try {
      const result = await handler({
        job: entry.job,
        signal: abort.signal,
        progress: (progress) => change(entry, { progress }),
        checkpoint: async (checkpoint) => {
          await scheduler.gate(life, 'queue.checkpoint')
          change(entry, { checkpoint })
          await scheduler.gate(life, 'queue.checkpointed')
        },
      })
      if (!life.ended.aborted) finish(entry, { state: 'done', result, error: null })
    } catch (error) {
      if (life.ended.aborted) return
      if (abort.signal.aborted) finish(entry, { state: 'cancelled', error: null })
      else await failed(entry, error, retries)
    } finally {
      life.ended.removeEventListener('abort', crashed)
    }
  }
  return {
    get jobs() {
      return entries.map(({ job }) => job)
    },
    open(life) {
      const worker: Worker = { life, works: new Map() }
      workers.push(worker)
      const leave = (): void => {
        workers = workers.filter((other) => other !== worker)
      }
      life.ended.addEventListener('abort', leave, { once: true })
      const find = (id: string): Entry | undefined => entries.find(({ job }) => job.id === id)
      return {
        async add(name, key, data) {
          const waiting = entries.find(({ job }) => job.state === 'waiting' && job.key === key)
          if (waiting) return waiting.job
          const job: Job = {
            ...{ id: `job-${entries.length}`, name, key, data, state: 'waiting' },
            ...{ progress: null, result: null, error: null, checkpoint: null, attempts: 0 },
            ...{
              createdAt: clock.now(),
              startedAt: null,
              endedAt: null,
              failures: 0,
              retryAt: null,
            },
          }
          entries.push({
            job,
            abort: new AbortController(),
            ended: Promise.withResolvers<void>(),
          })
          startNext()
          return job
        },
        get: async (id) => find(id)?.job ?? null,
        list: async (limit) =>
          entries
            .map(({ job }) => job)
            .toReversed()
            .slice(0, limit),
        process(name, handler, retries) {
          worker.works.set(name, { handler, retries })
          startNext()
        },
        async cancel(id) {
          const entry = find(id)
          if (!entry || isOver(entry.job)) return false
          entry.abort.abort()
          if (entry.job.state === 'waiting') finish(entry, { state: 'cancelled' })
          await entry.ended.promise
          return entry.job.state === 'cancelled'
        },
        async follow(id) {
          const entry = find(id)
          if (!entry) throw new MillraceError('JOB_NOT_FOUND', { job: id })
          if (!isOver(entry.job)) await entry.ended.promise
          return entry.job
        },
        health: async () => ({ name: 'queue', status: 'ok', detail: 'Simulated.' }),
        close: async () => {},
      }
    },
  }
}
