// The job queue on LMDB. Every change of state is on disk before it is acted on, so that after a kill each job is found
// waiting, running or ended; one that is found running died with its process.
//
//   add ─▶ waiting ─▶ running ─▶ done, failed, cancelled
//             ▲          │
//             └──────────┘ the queue is closed, the process died (counted, JOB_CRASHES_MAX times), or the attempt failed
//                          and another follows after a pause
import type { Clock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import {
  JOB_CRASHES_MAX,
  JOBS_KEPT,
  type Job,
  type JobHandler,
  type JobProgress,
  type JobQueue,
  pauseBeforeRetry,
  type Retries,
  retryProgress,
} from '#ports/job-queue'
import type { Health } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import type { IdSource } from '#schemas/ids'
import type { JsonObject } from '#schemas/json'
import { type JobStore, openJobStore } from './job-store.ts'

const CANCELLED: Partial<Job> = { state: 'cancelled', error: null, retryAt: null }

/** How long a closing queue waits for its jobs; one that takes longer counts as died. */
const CLOSE_WAIT_MS = 10_000

export interface JobQueueOptions {
  readonly path: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
}

interface Work {
  readonly handler: JobHandler
  readonly retries: Retries | undefined
}

interface Entry {
  readonly number: number
  job: Job
  readonly crashes: number
  readonly abort: AbortController
  /** Somebody wants it to end; it has not yet, perhaps. */
  cancelled: boolean
  readonly listeners: Set<(progress: JobProgress) => void>
  /** Resolves when the job is over. */
  readonly ended: PromiseWithResolvers<void>
}

/** Opens the queue. Its jobs run from the moment their handler is given (`process`). */
export async function openJobQueue(options: JobQueueOptions): Promise<JobQueue> {
  const queue = new EmbeddedJobQueue(options, openJobStore(options.path))
  await queue.recover()
  return queue
}

class EmbeddedJobQueue implements JobQueue {
  readonly #options: JobQueueOptions
  readonly #store: JobStore
  /** By number, so oldest first. */
  readonly #entries = new Map<number, Entry>()
  readonly #work = new Map<string, Work>()
  readonly #running = new Set<Promise<void>>()
  /** Jobs that are not durable yet, by key. */
  readonly #adding = new Map<string, Promise<Job>>()
  /** Aborts when the queue is being closed. */
  readonly #closed = new AbortController()
  #nextNumber = 0
  #closing: Promise<void> | null = null

  constructor(options: JobQueueOptions, store: JobStore) {
    this.#options = options
    this.#store = store
  }

  /** Takes over what is on disk. */
  async recover(): Promise<void> {
    for (const { number, stored } of this.#store.load()) {
      this.#nextNumber = number + 1
      const died = stored.job.state === 'running'
      const crashes = stored.crashes + (died ? 1 : 0)
      const job: Job = died ? { ...stored.job, state: 'waiting' } : stored.job
      const entry = this.#hold(number, job, crashes)
      if (job.retryAt !== null) this.#awaitRetry(entry, job.retryAt - this.#options.clock.now())
      if (!died) continue
      const fields = { job: job.id, name: job.name, crashes }
      this.#options.telemetry.log('warn', 'job-interrupted', fields)
      if (crashes >= JOB_CRASHES_MAX) {
        const error = new MillraceError('JOB_CRASHED', { job: job.id, crashes }).toJSON()
        await this.#end(entry, { state: 'failed', error })
      } else await this.#save(entry)
    }
  }

  async add(name: string, key: string, data: JsonObject): Promise<Job> {
    this.#assertOpen()
    for (const { job, cancelled } of this.#entries.values()) {
      if (job.state === 'waiting' && job.key === key && !cancelled) return job
    }
    const adding = this.#adding.get(key) ?? this.#add(name, key, data)
    this.#adding.set(key, adding)
    try {
      return await adding
    } finally {
      this.#adding.delete(key)
    }
  }

  async #add(name: string, key: string, data: JsonObject): Promise<Job> {
    const { clock, ids } = this.#options
    const createdAt = clock.now()
    const job: Job = {
      id: ids(createdAt),
      name,
      key,
      data,
      state: 'waiting',
      progress: null,
      result: null,
      error: null,
      createdAt,
      startedAt: null,
      endedAt: null,
      attempts: 0,
      failures: 0,
      retryAt: null,
      checkpoint: null,
    }
    const number = this.#nextNumber++
    await this.#store.save(number, { job, crashes: 0 })
    this.#hold(number, job, 0)
    this.#startNext()
    return job
  }

  async get(id: string): Promise<Job | null> {
    return this.#find(id)?.job ?? null
  }

  async list(limit: number): Promise<readonly Job[]> {
    return Array.from(this.#entries.values(), ({ job }) => job)
      .reverse()
      .slice(0, limit)
  }

  process(name: string, handler: JobHandler, retries?: Retries): void {
    this.#assertOpen()
    this.#work.set(name, { handler, retries })
    this.#startNext()
  }

  async cancel(id: string): Promise<boolean> {
    const entry = this.#find(id)
    if (entry === undefined || isOver(entry.job)) return false
    entry.cancelled = true
    entry.abort.abort()
    if (entry.job.state === 'waiting') await this.#end(entry, CANCELLED)
    else await entry.ended.promise
    return entry.job.state === 'cancelled'
  }

  async follow(id: string, listener: (progress: JobProgress) => void): Promise<Job> {
    const entry = this.#find(id)
    if (entry === undefined) throw new MillraceError('JOB_NOT_FOUND', { job: id })
    if (isOver(entry.job)) return entry.job
    entry.listeners.add(listener)
    await entry.ended.promise
    entry.listeners.delete(listener)
    return entry.job
  }

  async health(): Promise<Health> {
    const count = { waiting: 0, running: 0 }
    for (const { job } of this.#entries.values()) {
      if (job.state === 'waiting' || job.state === 'running') count[job.state]++
    }
    const detail = `${count.running} jobs run, ${count.waiting} wait.`
    return { name: 'queue', status: 'ok', detail }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#closed.abort()
    for (const { job, abort } of this.#entries.values()) if (job.state === 'running') abort.abort()
    const waited = new AbortController()
    const timeout = this.#options.clock.sleep(CLOSE_WAIT_MS, waited.signal)
    await Promise.race([Promise.all(this.#running), timeout])
    waited.abort()
    // Who follows a job that did not end is told how it stands.
    for (const { ended } of this.#entries.values()) ended.resolve()
    await this.#store.close()
  }

  #hold(number: number, job: Job, crashes: number): Entry {
    const entry: Entry = {
      number,
      job,
      crashes,
      abort: new AbortController(),
      cancelled: false,
      listeners: new Set(),
      ended: Promise.withResolvers<void>(),
    }
    this.#entries.set(number, entry)
    return entry
  }

  #find(id: string): Entry | undefined {
    for (const entry of this.#entries.values()) if (entry.job.id === id) return entry
    return undefined
  }

  #assertOpen(): void {
    if (this.#closing !== null)
      throw new MillraceError('INTERNAL', { reason: 'the job queue is closed' })
  }

  #save({ number, job, crashes }: Entry): Promise<void> {
    return this.#store.save(number, { job, crashes })
  }

  /** Starts every waiting job that has a handler and no older job of its key before it. */
  #startNext(): void {
    if (this.#closing !== null) return
    const busy = new Set<string>()
    for (const { job } of this.#entries.values()) if (job.state === 'running') busy.add(job.key)
    for (const entry of [...this.#entries.values()]) {
      const { job } = entry
      if (job.state !== 'waiting' || entry.cancelled || busy.has(job.key)) continue
      busy.add(job.key)
      const work = this.#work.get(job.name)
      if (work === undefined || job.retryAt !== null) continue
      const run = this.#run(entry, work).finally(() => this.#running.delete(run))
      this.#running.add(run)
    }
  }

  async #run(entry: Entry, { handler, retries }: Work): Promise<void> {
    const { clock } = this.#options
    const { signal } = entry.abort
    const attempts = entry.job.attempts + 1
    entry.job = { ...entry.job, state: 'running', startedAt: clock.now(), attempts, progress: null }
    try {
      await this.#save(entry)
      const result = await handler({
        job: entry.job,
        signal,
        progress: (progress) => this.#tell(entry, progress),
        checkpoint: async (checkpoint) => {
          entry.job = { ...entry.job, checkpoint }
          await this.#save(entry)
        },
      })
      await this.#end(entry, { state: 'done', result, error: null })
    } catch (error) {
      if (entry.cancelled) await this.#end(entry, CANCELLED)
      else if (!signal.aborted) await this.#failed(entry, asMillraceError(error), retries)
      else {
        // The queue is being closed.
        entry.job = { ...entry.job, state: 'waiting' }
        await this.#save(entry).catch((cause) => this.#report(entry, cause))
      }
    }
  }

  /** Ends the job, or lets it wait for another attempt. */
  async #failed(entry: Entry, thrown: MillraceError, retries: Retries | undefined): Promise<void> {
    const { failures } = entry.job
    const error = thrown.toJSON()
    const pause = pauseBeforeRetry(retries, failures, error.code)
    if (retries === undefined || pause === null) {
      return this.#end(entry, { state: 'failed', error })
    }
    const { job } = entry
    this.#options.telemetry.log('warn', 'job-retried', { job: job.id, name: job.name, ...error })
    this.#tell(entry, retryProgress(retries, failures + 1, pause, error))
    const retryAt = this.#options.clock.now() + pause
    entry.job = { ...entry.job, state: 'waiting', failures: failures + 1, retryAt, error }
    await this.#save(entry).catch((cause) => this.#report(entry, cause))
    this.#awaitRetry(entry, pause)
  }

  #awaitRetry(entry: Entry, pause: number): void {
    const { signal } = this.#closed
    void this.#options.clock.sleep(Math.max(pause, 0), signal).then(() => {
      if (signal.aborted || entry.job.state !== 'waiting') return
      entry.job = { ...entry.job, retryAt: null }
      this.#startNext()
    })
  }

  #tell(entry: Entry, progress: JobProgress): void {
    if (isOver(entry.job)) return
    entry.job = { ...entry.job, progress }
    for (const listener of entry.listeners) {
      try {
        listener(progress)
      } catch (error) {
        this.#options.telemetry.log('error', 'job-listener-failed', { job: entry.job.id, error })
      }
    }
  }

  /** Ends a job. It is over even when that cannot be saved: then it would run again after a restart. */
  async #end(entry: Entry, change: Partial<Job>): Promise<void> {
    const ended: Job = { ...entry.job, ...change, endedAt: this.#options.clock.now() }
    const { number, crashes } = entry
    try {
      await this.#store.save(number, { job: ended, crashes })
    } catch (error) {
      this.#report(entry, error)
    }
    entry.job = ended
    entry.ended.resolve()
    this.#startNext()
    await this.#forgetOld().catch((error) => this.#report(entry, error))
  }

  async #forgetOld(): Promise<void> {
    const ended = [...this.#entries.values()].filter(({ job }) => isOver(job))
    ended.sort((a, b) => (a.job.endedAt ?? 0) - (b.job.endedAt ?? 0))
    for (const { number } of ended.slice(0, -JOBS_KEPT)) {
      this.#entries.delete(number)
      await this.#store.remove(number)
    }
  }

  #report({ job }: Entry, error: unknown): void {
    this.#options.telemetry.log('error', 'job-not-saved', { job: job.id, name: job.name, error })
  }
}

function isOver(job: Job): boolean {
  return job.endedAt !== null
}
