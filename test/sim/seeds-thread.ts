// A thread that runs seeds and ends. What a crashed process of the simulation waited for it waits for ever, and signals that
// somebody listens to are never collected: the memory of many seeds comes back only with the end of their thread.
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { simulate } from './simulate.ts'

export interface SeedsTask {
  readonly from: number
  readonly count: number
  readonly trace: boolean
}

/** What is told of each seed. */
export interface SeedTold {
  readonly steps: number
  readonly counts: ReadonlyMap<string, number>
  /** Lines of its history, if they were asked for, and what was found. */
  readonly lines: readonly string[]
  readonly failed: boolean
}

if (!isMainThread && parentPort !== null) {
  const { from, count, trace } = workerData as SeedsTask
  for (let seed = from; seed < from + count; seed++) {
    const { steps, counts, trace: history, findings } = await simulate(seed, { trace })
    const found = findings.map(
      ({ checker, what, step }) => `seed ${seed}, step ${step}, ${checker}: ${what}`,
    )
    const told: SeedTold = {
      steps,
      counts,
      lines: [...history, ...found],
      failed: findings.length > 0,
    }
    parentPort.postMessage(told)
  }
}
