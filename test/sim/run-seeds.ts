// Seeds, spread over threads.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { SeedsTask, SeedTold } from './seeds-thread.ts'

/** Seeds of one thread: about 500 MB stay behind in it (`seeds-thread.ts` says why). */
const SEEDS_A_THREAD = 1000
/** Failing seeds after which no more are run. */
const FAILURES_MAX = 10

export interface SeedsRun {
  readonly ran: number
  readonly failed: number
  readonly steps: number
  readonly counts: ReadonlyMap<string, number>
}

/** Runs the seeds from `from` on, until `signal` aborts; what fails and what is traced is told in lines. */
export async function runSeeds(
  { from, count, trace }: SeedsTask,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<SeedsRun> {
  const threads = Math.min(availableParallelism(), count)
  const share = Math.min(SEEDS_A_THREAD, Math.ceil(count / threads))
  const end = from + count
  const counts = new Map<string, number>()
  let [next, ran, failed, steps] = [from, 0, 0, 0]
  const take = (told: SeedTold): void => {
    for (const line of told.lines) print(line)
    for (const [what, times] of told.counts) counts.set(what, (counts.get(what) ?? 0) + times)
    steps += told.steps
    ran++
    if (told.failed) failed++
  }
  const work = async (): Promise<void> => {
    while (next < end && failed < FAILURES_MAX && !signal.aborted) {
      const task = { from: next, count: Math.min(share, end - next), trace }
      next += task.count
      await runThread(task, take, signal)
    }
  }
  await Promise.all(Array.from({ length: threads }, work))
  return { ran, failed, steps, counts }
}

function runThread(
  task: SeedsTask,
  take: (told: SeedTold) => void,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const thread = new Worker(new URL('./seeds-thread.ts', import.meta.url), { workerData: task })
  const stop = (): void => {
    void thread.terminate()
  }
  let left = task.count
  signal.addEventListener('abort', stop, { once: true })
  thread.on('message', (told: SeedTold) => {
    left--
    take(told)
  })
  thread.once('error', reject)
  thread.once('exit', () => {
    if (left === 0 || signal.aborted) resolve()
    else reject(new Error(`a thread ended with ${left} of its seeds not run`))
  })
  return promise.finally(() => signal.removeEventListener('abort', stop))
}
