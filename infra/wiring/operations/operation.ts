// What an operation is: a function of a platform and its arguments that a command runs, here or in the owner's process.
import type { JobProgress } from '#ports/job-queue'
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'

export interface OperationContext {
  progress(progress: JobProgress): void
  /** One line for people, while it runs. */
  note(text: string): void
  /** Aborts when the caller is gone. */
  readonly signal: AbortSignal
}

export type Operation = (
  platform: Platform,
  args: JsonObject,
  context: OperationContext,
) => Promise<Json>
