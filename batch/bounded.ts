import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'

export interface Bounds {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly ms: number
  readonly engine: string
  /** What is waited for, for the message. */
  readonly what: string
}

/**
 * Waits for something that cannot be interrupted itself, until it is there, the signal aborts or the time is over.
 * @throws MillraceError TRAINING_CANCELLED, TRAINING_FAILED, and whatever the promise rejects with
 */
export async function bounded<T>(wait: Promise<T>, bounds: Bounds): Promise<T> {
  const { clock, signal, ms, engine, what } = bounds
  const over = new AbortController()
  const stop = AbortSignal.any([signal, over.signal])
  const limit = clock.sleep(ms, stop).then((): never => {
    if (signal.aborted) throw new MillraceError('TRAINING_CANCELLED', { engine })
    const reason = `${what} took more than ${Math.round(ms / 1000)} s`
    throw new MillraceError('TRAINING_FAILED', { engine, reason })
  })
  try {
    return await Promise.race([wait, limit])
  } finally {
    over.abort()
    limit.catch(() => {})
  }
}
