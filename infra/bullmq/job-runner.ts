// Runs the jobs of one name with their handler.
import type { JobHandler, JobProgress } from '#ports/job-queue'
import { PUT_BACK, type Runner, type RunningJob } from './client.ts'
import { queueError } from './errors.ts'
import { CANCELLED, jobOf, reasonOf } from './job-record.ts'
import type { Notices } from './notices.ts'

/** Progress that Redis has not taken yet; more is dropped, since newer follows. */
const PROGRESS_MAX = 100

export interface RunnerDeps {
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
    if (deps.isClosing()) return PUT_BACK
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
      return result
    } catch (error) {
      await telling.done()
      if (deps.isCancelled(id)) throw new Error(CANCELLED)
      if (deps.isClosing() && signal.aborted) return PUT_BACK
      throw new Error(reasonOf(error))
    }
  }
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
