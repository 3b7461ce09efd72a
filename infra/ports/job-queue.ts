// The job queue: long work (trainings, imports) that survives a restart of the process. At most one job a key runs at a
// time, the oldest first; jobs of different keys run side by side. A second `add` with the key of a waiting job returns
// that job. Ended jobs are kept as history, the newest `JOBS_KEPT`.
import type { JsonObject } from '#schemas/json'
import type { Closable, HealthSource } from './lifecycle.ts'

/** Ended jobs that are kept. */
export const JOBS_KEPT = 200
/** A job whose process died this often while it ran is given up with JOB_CRASHED. */
export const JOB_CRASHES_MAX = 3

export const JOB_STATES = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof JOB_STATES)[number]

export interface JobProgress {
  /** What is being done, for people: `read`, `correlate`, … */
  readonly step: string
  readonly done: number
  readonly total: number
  readonly unit: string
}

export interface Job {
  readonly id: string
  readonly name: string
  readonly key: string
  readonly data: JsonObject
  readonly state: JobState
  readonly progress: JobProgress | null
  /** Result of a done job. */
  readonly result: JsonObject | null
  /** Why it failed: code and message. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null
  readonly createdAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  /** Times it was started; more than one after a crash. */
  readonly attempts: number
  /** Kept across restarts by the worker (`checkpoint`). */
  readonly checkpoint: JsonObject | null
}

export interface JobContext {
  readonly job: Job
  readonly signal: AbortSignal
  progress(progress: JobProgress): void
  /** Saves where to go on after a crash; durable when it resolves. */
  checkpoint(data: JsonObject): Promise<void>
}

/** Returns the result; a throw fails the job. When the signal aborts it ends soon, by throwing anything. */
export type JobHandler = (context: JobContext) => Promise<JsonObject>

export interface JobQueue extends Closable, HealthSource {
  /** Resolves when the job is durable. @throws MillraceError DISK_FULL */
  add(name: string, key: string, data: JsonObject): Promise<Job>
  get(id: string): Promise<Job | null>
  /** Newest first. */
  list(limit: number): Promise<readonly Job[]>
  /**
   * Runs jobs of this name; jobs that were running when the process died are started again first. Closing the queue
   * aborts the signal of running jobs and leaves them waiting for the next start.
   */
  process(name: string, handler: JobHandler): void
  /** Cancels a waiting or running job; false when it is over already. Resolves when it has ended. */
  cancel(id: string): Promise<boolean>
  /** Follows a job to its end; each progress is told to the listener. @throws MillraceError JOB_NOT_FOUND */
  follow(id: string, listener: (progress: JobProgress) => void): Promise<Job>
}
