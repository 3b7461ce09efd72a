// Long work is written as a generator that yields every few milliseconds of work, so that one text of it can run at once,
// or in slices between which the thread answers queries.
import { setImmediate } from 'node:timers/promises'

export type Steps<T> = Generator<void, T, void>

/** Elements handled between two yields: a few milliseconds. */
export const SLICE = 1 << 17

export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Runs in slices; `abandoned` is asked before each, and true ends the work early (through its `finally`) with null. */
export async function runInSlices<T>(steps: Steps<T>, abandoned: () => boolean): Promise<T | null> {
  for (;;) {
    if (abandoned()) {
      steps.return(null as T)
      return null
    }
    const step = steps.next()
    if (step.done) return step.value
    await setImmediate()
  }
}
