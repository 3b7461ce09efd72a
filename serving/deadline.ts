// The time budget of queries. Thousands of queries a second wait on reads that nearly always end in time: instead of a
// timer a read there is one queue in order of expiry, and one sleeper on it while there is something in the queue.
import type { Clock } from '#ports/clock'

/** What `within` answers when the time was up. */
export const TOO_LATE: unique symbol = Symbol('too late')

/** Longest sleep, milliseconds: a read with less time than those before it is noticed this much too late at most. */
const SLEEP_MS_MAX = 20

export interface Deadlines {
  /** The promise's result, or TOO_LATE when it takes longer than `ms`. A rejection is passed on; a late one is dropped. */
  within<T>(promise: Promise<T>, ms: number): Promise<T | typeof TOO_LATE>
}

interface Waiting {
  readonly expires: number
  /** null once the promise has settled. */
  expire: (() => void) | null
}

export function createDeadlines(clock: Clock): Deadlines {
  const queue: Waiting[] = []
  let asleep = false

  async function watch(): Promise<void> {
    for (;;) {
      while (queue[0]?.expire === null) queue.shift()
      const first = queue[0]
      if (first === undefined) break
      const left = first.expires - clock.monotonic()
      if (left > 0) await clock.sleep(Math.min(left, SLEEP_MS_MAX))
      else {
        queue.shift()
        first.expire?.()
      }
    }
    asleep = false
  }

  function add(waiting: Waiting): void {
    let place = queue.length
    while (place > 0 && (queue[place - 1] as Waiting).expires > waiting.expires) place--
    if (place === queue.length) queue.push(waiting)
    else queue.splice(place, 0, waiting)
    if (asleep) return
    asleep = true
    void watch()
  }

  return {
    within: (promise, ms) =>
      new Promise((resolve, reject) => {
        const waiting: Waiting = {
          expires: clock.monotonic() + ms,
          expire: () => {
            waiting.expire = null
            resolve(TOO_LATE)
          },
        }
        promise.then(
          (value) => {
            waiting.expire = null
            resolve(value)
          },
          (error: unknown) => {
            waiting.expire = null
            reject(error)
          },
        )
        add(waiting)
      }),
  }
}
