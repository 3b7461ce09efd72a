// Time and chance come in through this port: nothing of ours calls Date.now or Math.random outside of it, so that the
// simulator can run days in milliseconds and repeat a run from its seed.
export interface Clock {
  /** Wall clock, milliseconds since 1970. May step back. */
  now(): number
  /** Milliseconds from some start; never steps back. For durations and deadlines. */
  monotonic(): number
  /** Resolves after `ms`, or at once when the signal aborts (it does not throw). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done, { once: true })
    }),
}
