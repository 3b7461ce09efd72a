// What we call of BullMQ and ioredis.
import type { Job as BullJob, Queue } from 'bullmq'
import type { JobError } from '#ports/job-queue'
import type { JsonObject } from '#schemas/json'

/** What a job carries through Redis. */
export interface JobData {
  readonly key: string
  readonly data: JsonObject
  readonly createdAt: number
  readonly checkpoint: JsonObject | null
  /** Of the attempts that failed and that another follows. */
  readonly failed?: { readonly count: number; readonly retryAt: number; readonly error: JobError }
  /** Names this one request: of several for one key, only one becomes the job. */
  readonly request: string
}

export type StoredJob = Pick<
  BullJob<JobData, JsonObject>,
  | 'id'
  | 'name'
  | 'data'
  | 'progress'
  | 'returnvalue'
  | 'failedReason'
  | 'processedOn'
  | 'finishedOn'
  | 'attemptsStarted'
>

/** A job in the hands of its worker. */
export type RunningJob = StoredJob &
  Pick<BullJob<JobData, JsonObject>, 'updateData' | 'updateProgress'>

/** BullMQ's queue of the jobs of one name. */
export type NamedQueue = Pick<
  Queue<JobData, JsonObject, string>,
  | 'add'
  | 'getActiveCount'
  | 'getDeduplicationJobId'
  | 'getJob'
  | 'getJobs'
  | 'getJobState'
  | 'getWaitingCount'
  | 'remove'
  | 'toKey'
>

export interface JobWorker {
  /** Aborts the signal of a job that runs here; false when it does not. */
  cancel(id: string): boolean
  /** Resolves when no further job is taken. */
  stop(): Promise<void>
  /** Aborts the signals of all jobs, after `stop`, and resolves when they have ended. */
  end(): Promise<void>
}

/** Redis' own commands. */
export interface Redis {
  get(key: string): Promise<string | null>
  set(key: string, value: string, ex: 'EX', seconds: number, nx: 'NX'): Promise<'OK' | null>
  hget(key: string, field: string): Promise<string | null>
  hset(key: string, field: string, value: string): Promise<number>
  hdel(key: string, field: string): Promise<number>
  hvals(key: string): Promise<string[]>
  hmget(key: string, ...fields: string[]): Promise<(string | null)[]>
  sadd(key: string, member: string): Promise<number>
  smembers(key: string): Promise<string[]>
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>
  publish(channel: string, message: string): Promise<number>
}

/** What became of a job: it is done, waits for the next worker, or for another attempt from some time on. */
export type Outcome =
  | { readonly kind: 'done'; readonly result: JsonObject }
  | { readonly kind: 'put-back' }
  | { readonly kind: 'retry'; readonly at: number }

/** Runs one job. A throw fails it, with the message as the reason. */
export type Runner = (job: RunningJob, signal: AbortSignal) => Promise<Outcome>

export interface WorkerEvents {
  /** A job has ended here, done or failed. */
  ended(id: string): void
  /** A job whose worker is gone waits again. */
  stalled(id: string): void
  failed(error: Error): void
}

/** The connections of one process to Redis, and BullMQ over them. */
export interface BullMq {
  readonly redis: Redis
  /** A sorted set, lowest score first. */
  scoresOf(key: string): Promise<readonly { readonly member: string; readonly score: number }[]>
  queue(name: string): NamedQueue
  /** Runs jobs of this name from now on. */
  worker(name: string, run: Runner, events: WorkerEvents): JobWorker
  /** Messages of a channel, from the moment this resolves. */
  subscribe(channel: string, take: (message: string) => void): Promise<void>
  /** What Redis does when its memory is full. */
  evictionPolicy(): Promise<string>
  close(): Promise<void>
}
