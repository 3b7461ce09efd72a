// The job queue over Redis, by BullMQ: one of its queues for each name of jobs. Who waits for a job hears of it by notices, and
// looks himself every second, because a notice can be lost.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Job, JobHandler, JobProgress, JobQueue, Retries } from '#ports/job-queue'
import type { Health } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import type { IdSource } from '#schemas/ids'
import type { JsonObject } from '#schemas/json'
import type { BullMq, JobWorker } from './client.ts'
import { redisConfig } from './config.ts'
import { queueError } from './errors.ts'
import { type History, openHistory } from './history.ts'
import { isOver } from './job-record.ts'
import { runnerOf } from './job-runner.ts'
import { type JobsOfName, jobsOfName } from './jobs-of-name.ts'
import { openBullMq } from './library.ts'
import { createNotices, type Notice, type Notices } from './notices.ts'

const LOOK_MS = 1000
const SAID_AGAIN_MS = 60_000
/** Notices that were sent before an end was seen have arrived after this. */
const LATE_NOTICES_MS = 100
/** How long a closing queue waits for its jobs; one that takes longer counts as died. */
const CLOSE_WAIT_MS = 10_000

export interface JobQueueOptions {
  /** `redis://…` */
  readonly url: string
  readonly prefix: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
}

/**
 * Opens the queue. Its jobs run from the moment their handler is given (`process`).
 * @throws MillraceError CONFIG_INVALID, SERVER_UNREACHABLE, SERVER_REFUSED, SERVER_VERSION
 */
export async function openJobQueue(options: JobQueueOptions): Promise<JobQueue> {
  const { url, prefix, clock, telemetry } = options
  const report = oncePerMinute(clock, (error) =>
    telemetry.log('warn', 'job-queue-fault', { error }),
  )
  const bullMq = await openBullMq(redisConfig(url, prefix), report)
  const queue = new RedisJobQueue(options, bullMq, report)
  await queue.listen()
  return queue
}

/** While the server is away the same is said many times a second. */
function oncePerMinute(clock: Clock, report: (error: unknown) => void): (error: unknown) => void {
  let last = { text: '', at: 0 }
  return (error) => {
    const [text, at] = [String(error), clock.monotonic()]
    if (text === last.text && at - last.at < SAID_AGAIN_MS) return
    last = { text, at }
    report(error)
  }
}

class RedisJobQueue implements JobQueue {
  readonly #options: JobQueueOptions
  readonly #bullMq: BullMq
  readonly #report: (error: unknown) => void
  /** By name, those that this process has looked at. */
  readonly #jobs = new Map<string, JobsOfName>()
  readonly #workers = new Map<string, JobWorker>()
  readonly #history: History
  readonly #notices: Notices
  /** Jobs that run here, and that somebody wants to end. */
  readonly #cancelled = new Set<string>()
  /** Resolves when the queue is being closed. */
  readonly #closed = new AbortController()
  #forgetting = Promise.resolve()
  #closing: Promise<void> | null = null

  constructor(options: JobQueueOptions, bullMq: BullMq, report: (error: unknown) => void) {
    this.#options = options
    this.#bullMq = bullMq
    this.#report = report
    this.#history = openHistory(bullMq, (name) => this.#of(name).queue)
    this.#notices = createNotices(bullMq, `${options.prefix}:job-notices`)
  }

  /** Hears what other processes tell, from now on. */
  listen(): Promise<void> {
    return this.#notices.listen(({ kind, job }) => {
      if (kind !== 'cancel') return
      for (const worker of this.#workers.values()) {
        if (worker.cancel(job)) this.#cancelled.add(job)
      }
    })
  }

  add(name: string, key: string, data: JsonObject): Promise<Job> {
    return this.#reach(async () => {
      await this.#bullMq.redis.sadd(this.#namesKey(), name)
      return this.#of(name).add(key, data)
    })
  }

  get(id: string): Promise<Job | null> {
    return this.#reach(async () => {
      for (const name of await this.#names()) {
        const job = (await this.#of(name).get(id)) ?? (await this.#history.get(name, id))
        if (job !== null) return job
      }
      return null
    })
  }

  list(limit: number): Promise<readonly Job[]> {
    return this.#reach(async () => {
      const lists = (await this.#names()).map(async (name) => [
        ...(await this.#of(name).list()),
        ...(await this.#history.list(name)),
      ])
      const jobs = (await Promise.all(lists)).flat()
      jobs.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      return jobs.slice(0, limit)
    })
  }

  process(name: string, handler: JobHandler, retries?: Retries): void {
    this.#assertOpen()
    const run = runnerOf(handler, {
      retries,
      clock: this.#options.clock,
      notices: this.#notices,
      isCancelled: (id) => this.#cancelled.has(id),
      isClosing: () => this.#closing !== null,
      report: this.#report,
    })
    const worker = this.#bullMq.worker(name, run, {
      ended: (id) => this.#ended(id),
      stalled: (id) => {
        this.#options.telemetry.log('warn', 'job-interrupted', { job: id, name })
      },
      failed: this.#report,
    })
    this.#workers.set(name, worker)
  }

  /** Asks the process that runs the job, again and again: if it is gone the job waits again, and is taken away then. */
  async cancel(id: string): Promise<boolean> {
    const hearing = this.#hear(id, () => {})
    try {
      for (let look = 0; ; look++) {
        const job = await this.get(id)
        if (job === null) return false
        if (isOver(job.state)) return look > 0 && job.state === 'cancelled'
        if (job.state === 'running') await this.#tell({ kind: 'cancel', job: id })
        else if (await this.#cancelWaiting(job)) return true
        else continue
        await hearing.endWithin(LOOK_MS)
      }
    } finally {
      hearing.stop()
    }
  }

  async follow(id: string, listener: (progress: JobProgress) => void): Promise<Job> {
    const hearing = this.#hear(id, listener)
    try {
      for (let look = 0; ; look++) {
        const job = await this.get(id)
        if (job === null) throw new MillraceError('JOB_NOT_FOUND', { job: id })
        if (isOver(job.state)) {
          if (look > 0) await hearing.endWithin(LATE_NOTICES_MS)
          return job
        }
        await hearing.endWithin(LOOK_MS)
        // Who follows a job that did not end is told how it stands.
        if (this.#closing !== null) return job
      }
    } finally {
      hearing.stop()
    }
  }

  async health(): Promise<Health> {
    try {
      const policy = await this.#bullMq.evictionPolicy()
      const counts = await Promise.all((await this.#names()).map((name) => this.#of(name).count()))
      const running = counts.reduce((sum, count) => sum + count.running, 0)
      const waiting = counts.reduce((sum, count) => sum + count.waiting, 0)
      const detail = `${running} jobs run, ${waiting} wait.`
      if (policy === 'noeviction') return { name: 'queue', status: 'ok', detail }
      return {
        name: 'queue',
        status: 'degraded',
        detail: `${detail} Redis may evict jobs: its maxmemory-policy is ${policy}.`,
        hint: 'Set maxmemory-policy noeviction in redis.conf.',
      }
    } catch (error) {
      const { message, hint } = queueError(error)
      return { name: 'queue', status: 'failed', detail: message, hint }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const workers = [...this.#workers.values()]
    const ended = async (worker: JobWorker): Promise<void> => {
      // First no new jobs, then those that run are told to end: they wait for another process after that.
      await worker.stop()
      await worker.end()
    }
    const waited = new AbortController()
    // Also the end of a connection is not waited for for ever: the server may be away.
    const timeout = this.#options.clock.sleep(CLOSE_WAIT_MS, waited.signal)
    await Promise.race([Promise.allSettled(workers.map(ended)), timeout])
    waited.abort()
    this.#closed.abort()
    await this.#forgetting
    await this.#bullMq.close()
  }

  /** A job ended here: the oldest are forgotten, then who waits for it hears of it. */
  #ended(id: string): void {
    this.#cancelled.delete(id)
    this.#forgetting = this.#forgetting
      .then(async () => {
        await this.#history.forgetOld(await this.#names())
        await this.#notices.tell({ kind: 'ended', job: id })
      })
      .catch(this.#report)
  }

  async #cancelWaiting(job: Job): Promise<boolean> {
    return this.#reach(async () => {
      if (!(await this.#of(job.name).takeWaiting(job))) return false
      const endedAt = this.#options.clock.now()
      await this.#history.keep({ ...job, state: 'cancelled', endedAt })
      this.#ended(job.id)
      return true
    })
  }

  #tell(notice: Notice): Promise<void> {
    return this.#reach(() => this.#notices.tell(notice))
  }

  /** Hears of a job's progress and of its end. */
  #hear(id: string, listener: (progress: JobProgress) => void): Hearing {
    const ended = Promise.withResolvers<void>()
    const { signal } = this.#closed
    signal.addEventListener('abort', () => ended.resolve(), { once: true })
    const stop = this.#notices.hear(id, (notice) => {
      if (notice.kind === 'ended') ended.resolve()
      if (notice.kind !== 'progress') return
      try {
        listener(notice.progress)
      } catch (error) {
        this.#options.telemetry.log('error', 'job-listener-failed', { job: id, error })
      }
    })
    return {
      stop,
      endWithin: async (ms) => {
        const waited = new AbortController()
        await Promise.race([ended.promise, this.#options.clock.sleep(ms, waited.signal)])
        waited.abort()
      },
    }
  }

  #of(name: string): JobsOfName {
    const known = this.#jobs.get(name)
    if (known !== undefined) return known
    const { clock, ids } = this.#options
    const { redis } = this.#bullMq
    const jobs = jobsOfName({ name, queue: this.#bullMq.queue(name), redis, clock, ids })
    this.#jobs.set(name, jobs)
    return jobs
  }

  /** Names that any process has added jobs of. */
  #names(): Promise<string[]> {
    return this.#bullMq.redis.smembers(this.#namesKey())
  }

  #namesKey(): string {
    return `${this.#options.prefix}:job-names`
  }

  /** @throws MillraceError QUEUE_UNAVAILABLE, DISK_FULL, and what the work throws of ours */
  async #reach<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#assertOpen()
    try {
      return await work()
    } catch (error) {
      throw queueError(error)
    }
  }

  #assertOpen(): void {
    if (this.#closing !== null) {
      throw new MillraceError('INTERNAL', { reason: 'the job queue is closed' })
    }
  }
}

interface Hearing {
  /** Resolves when the job has ended, or after this time. */
  endWithin(ms: number): Promise<void>
  stop(): void
}
