// Threads that help a training with its products: each takes rows of a job until there are none. This file is also
// where such a thread starts.
import { setPriority } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { correlate } from '../../batch/algorithms/correlate.ts'
import type { RowJob, RowRunner } from '../../batch/algorithms/row-job.ts'

/** Trainings take only what serving leaves. Set inside a thread it holds for that thread alone. */
export const TRAINING_NICENESS = 15

/** Helpers of a training, and the runner that spreads a job over them and the calling thread. */
export function startHelpers(count: number): {
  readonly run: RowRunner
  readonly close: () => Promise<void>
} {
  const entry = new URL(import.meta.url)
  const helpers = Array.from({ length: count }, () => {
    return new Worker(entry, { workerData: { role: 'rows' } })
  })
  const help = (helper: Worker, job: RowJob): Promise<void> =>
    new Promise((resolve, reject) => {
      const forget = (): void => {
        helper.off('message', done)
        helper.off('error', failed)
      }
      const done = (): void => {
        forget()
        resolve()
      }
      const failed = (error: unknown): void => {
        forget()
        reject(error)
      }
      helper.on('message', done)
      helper.on('error', failed)
      helper.postMessage(job)
    })
  return {
    async run(job, onRows) {
      const others = Promise.all(helpers.map((helper) => help(helper, job)))
      // A helper that breaks down must not go unheard while this thread is busy with rows of its own.
      others.catch(() => {})
      correlate(job, onRows)
      await others
    },
    close: async () => {
      await Promise.all(helpers.map((helper) => helper.terminate()))
    },
  }
}

if (!isMainThread && parentPort !== null && workerData?.role === 'rows') {
  const port = parentPort
  setPriority(TRAINING_NICENESS)
  port.on('message', (job: RowJob) => {
    correlate(job)
    port.postMessage('done')
  })
}
