// A clock that stands still until a test moves it.
import type { Clock } from '#ports/clock'

export interface ManualClock extends Clock {
  /** Moves both clocks on and wakes the sleepers whose time has come, in order of their time. */
  advance(ms: number): void
  /** Sets the wall clock alone, as an administrator does; it may step back. */
  setNow(now: number): void
  /** Sleepers that wait. */
  readonly sleeping: number
  /** Milliseconds until the first sleeper wakes, or null when nobody sleeps. */
  readonly next: number | null
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export function createManualClock(start = 1_700_000_000_000): ManualClock {
  let now = start
  let elapsed = 0
  let sleepers: Sleeper[] = []
  return {
    now: () => now,
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted || ms <= 0) return resolve()
        const sleeper: Sleeper = { at: elapsed + ms, wake: () => done() }
        const done = (): void => {
          sleepers = sleepers.filter((other) => other !== sleeper)
          signal?.removeEventListener('abort', done)
          resolve()
        }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', done, { once: true })
      }),
    advance: (ms) => {
      now += ms
      elapsed += ms
      const due = sleepers.filter((sleeper) => sleeper.at <= elapsed).sort((a, b) => a.at - b.at)
      for (const sleeper of due) sleeper.wake()
    },
    setNow: (value) => {
      now = value
    },
    get sleeping() {
      return sleepers.length
    },
    get next() {
      if (sleepers.length === 0) return null
      return Math.max(0, Math.min(...sleepers.map(({ at }) => at)) - elapsed)
    },
  }
}
