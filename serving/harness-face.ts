// What Harness' HTTP face needs beyond queries: engines, the way into the log, jobs, and what is stored of a user. The wiring
// gives it; the query server knows neither the log nor the job queue.
import type { MillraceError } from '#ports/errors'
import type { AccessKey, Engine } from '#schemas/directory'
import type { Event } from '#schemas/event'
import type { JsonObject } from '#schemas/json'
import type { Position } from '#schemas/position'

/** Harness' words for the states of a job. */
export type HarnessJobStatus = 'queued' | 'executing' | 'successful' | 'failed' | 'cancelled'

export interface HarnessJob {
  readonly jobId: string
  readonly status: HarnessJobStatus
  /** For people: what is being done, or why it failed. */
  readonly comment: string
  /** ISO 8601. */
  readonly createdAt: string
  readonly completedAt: string | null
}

/** An event in the log; or why it is not taken; or that it is not known to be there, to be sent again under this id. */
export type HarnessInput =
  | { readonly outcome: 'accepted'; readonly position: Position }
  | { readonly outcome: 'invalid'; readonly code: string; readonly message: string }
  | { readonly outcome: 'failed'; readonly error: MillraceError; readonly eventId: string }

export interface HarnessFace {
  /**
   * Registers the engine of a configuration, and its app if that is not there; resolves with the engine's id.
   * @throws MillraceError ENGINE_JSON_INVALID, ENGINE_EXISTS
   */
  add(config: JsonObject): Promise<string>
  /** A new revision of an engine. @throws MillraceError ENGINE_JSON_INVALID, ENGINE_ID_TAKEN */
  update(engine: Engine, config: JsonObject): Promise<void>
  /** Removes an engine with its jobs and models, and the events of its app if that is the engine's own. */
  remove(engine: Engine): Promise<void>
  /**
   * Checks one event and puts it into the log of the engine's app; it is durable when this resolves.
   * @param key what the client sent, or null on this machine
   * @throws MillraceError EVENT_NOT_ALLOWED, ADMISSION_LIMITED, OVERLOADED
   */
  input(engine: Engine, key: AccessKey | null, body: unknown): Promise<HarnessInput>
  /** Starts a training, or names the one that waits. */
  train(engine: Engine): Promise<HarnessJob>
  /**
   * Starts the import of a file, or of every file of a folder, on the machine of the server.
   * @param path absolute @throws MillraceError FILE_NOT_FOUND, FILE_UNREADABLE, PARAMETER_INVALID
   */
  import(engine: Engine, path: string): Promise<HarnessJob>
  /** Trainings of an engine and imports of its app, newest first: all that are not over, and the last ten that are. */
  jobs(engine: Engine): Promise<readonly HarnessJob[]>
  /** Cancels one of `jobs`. @throws MillraceError JOB_NOT_FOUND */
  cancel(engine: Engine, jobId: string): Promise<void>
  /** A user's events, newest first, with what was acknowledged before. */
  events(engine: Engine, user: string, from: number, num: number): Promise<readonly Event[]>
  /** Erases a user, as `millrace erase` does; resolves with the number of events that were the user's. */
  erase(engine: Engine, user: string): Promise<number>
}
