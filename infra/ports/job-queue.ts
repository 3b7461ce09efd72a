// The job queue: long work (trainings, imports) that survives a restart of the process. At most one job a key runs at a
// time, the oldest first; jobs of different keys run side by side. A second `add` with the key of a waiting job returns
// that job. Ended jobs are kept as history, the newest `JOBS_KEPT`.
import type { JsonObject } from '#schemas/json'
import type { ErrorCode } from './errors.ts'
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
  /** A line for people about what numbers do not say: why a job waits. */
  readonly note?: string
}

export interface JobError {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** Which failed jobs are tried again, and when. */
export interface Retries {
  /** Attempts after the first one. */
  readonly max: number
  /** Before the first of them, milliseconds; each further pause is twice as long. */
  readonly pauseMs: number
  /** Whether the same job may go well a little later. */
  readonly isPassing: (code: ErrorCode) => boolean
}

/**
 * Pause before a job is tried again, milliseconds; null when this failure ends it.
 * @param failures attempts that failed before this one
 */
export function pauseBeforeRetry(
  retries: Retries | undefined,
  failures: number,
  code: ErrorCode,
): number | null {
  if (retries === undefined || failures >= retries.max || !retries.isPassing(code)) return null
  return retries.pauseMs * 2 ** failures
}

/** What is told to who follows a job that will be tried again. */
export function retryProgress(
  { max }: Retries,
  failures: number,
  pauseMs: number,
  { code, message }: JobError,
): JobProgress {
  const note = `${code}: ${message} Tried again in ${Math.ceil(pauseMs / 1000)} s (${failures} of ${max}).`
  return { step: 'retry', done: failures, total: max, unit: 'attempts', note }
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
  /** Why it failed, or why the attempt did that another follows: code and message. */
  readonly error: JobError | null
  readonly createdAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  /** Times it was started; more than one after a crash or a failure that may pass. */
  readonly attempts: number
  /** Attempts that failed and that another follows. */
  readonly failures: number
  /** When that attempt begins, while the job waits for it. */
  readonly retryAt: number | null
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
   * aborts the signal of running jobs and leaves them waiting for the next start. A job that failed waits for its next
   * attempt as `retries` say (without them there is none), and jobs of its key behind it.
   */
  process(name: string, handler: JobHandler, retries?: Retries): void
  /** Cancels a waiting or running job; false when it is over already. Resolves when it has ended. */
  cancel(id: string): Promise<boolean>
  /** Follows a job to its end; each progress is told to the listener. @throws MillraceError JOB_NOT_FOUND */
  follow(id: string, listener: (progress: JobProgress) => void): Promise<Job>
}
