// Runs the jobs of one name with their handler.
import type { Clock } from '#ports/clock'
import { asMillraceError } from '#ports/errors'
import {
  type JobHandler,
  type JobProgress,
  pauseBeforeRetry,
  type Retries,
  retryProgress,
} from '#ports/job-queue'
import type { Outcome, Runner, RunningJob } from './client.ts'
import { queueError } from './errors.ts'
import { CANCELLED, jobOf, reasonOf } from './job-record.ts'
import type { Notices } from './notices.ts'

/** Progress that Redis has not taken yet; more is dropped, since newer follows. */
const PROGRESS_MAX = 100

export interface RunnerDeps {
  readonly retries: Retries | undefined
  readonly clock: Clock
  readonly notices: Notices
  /** Somebody asked for this job to end. */
  readonly isCancelled: (id: string) => boolean
  /** The queue is being closed: its jobs go on elsewhere. */
  readonly isClosing: () => boolean
  readonly report: (error: unknown) => void
}

/** @returns what a worker calls for each job */
export function runnerOf(handler: JobHandler, deps: RunnerDeps): Runner {
  return async (job, signal) => {
    if (deps.isClosing()) return { kind: 'put-back' }
    const id = job.id ?? ''
    const telling = tellProgress(job, deps)
    try {
      const result = await handler({
        job: { ...jobOf(job, 'running'), progress: null },
        signal,
        progress: telling.tell,
        checkpoint: async (checkpoint) => {
          try {
            await job.updateData({ ...job.data, checkpoint })
          } catch (error) {
            throw queueError(error)
          }
        },
      })
      await telling.done()
      return { kind: 'done', result }
    } catch (error) {
      await telling.done()
      if (deps.isCancelled(id)) throw new Error(CANCELLED)
      if (deps.isClosing() && signal.aborted) return { kind: 'put-back' }
      const retry = signal.aborted ? null : await retryOf(job, error, deps, telling.tell)
      await telling.done()
      if (retry !== null) return retry
      throw new Error(reasonOf(error))
    }
  }
}

/** Another attempt, written down, when this failure may pass. */
async function retryOf(
  job: RunningJob,
  thrown: unknown,
  { retries, clock }: RunnerDeps,
  tell: (progress: JobProgress) => void,
): Promise<Outcome | null> {
  const error = asMillraceError(thrown).toJSON()
  const failures = job.data.failed?.count ?? 0
  const pause = pauseBeforeRetry(retries, failures, error.code)
  if (retries === undefined || pause === null) return null
  const retryAt = clock.now() + pause
  await job.updateData({ ...job.data, failed: { count: failures + 1, retryAt, error } })
  tell(retryProgress(retries, failures + 1, pause, error))
  return { kind: 'retry', at: retryAt }
}

/** Progress in its order, one after another, without holding up who tells it. */
function tellProgress(
  job: RunningJob,
  { notices, report }: RunnerDeps,
): { tell(progress: JobProgress): void; done(): Promise<void> } {
  let waiting = 0
  let last = Promise.resolve()
  return {
    tell: (progress) => {
      if (waiting >= PROGRESS_MAX) return
      waiting++
      last = last
        .then(async () => {
          await job.updateProgress(progress)
          await notices.tell({ kind: 'progress', job: job.id ?? '', progress })
        })
        .catch(report)
        .finally(() => {
          waiting--
        })
    },
    done: () => last,
  }
}
