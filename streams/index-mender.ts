// Apps whose index stopped, because the index refused too many of their items. Each is filled from the store again after a
// while, with everything it missed meanwhile, until that works.
import type { Clock } from '#ports/clock'
import type { Telemetry } from '#ports/telemetry'

/** Time before the first attempt; it doubles with each one that failed. */
export const MEND_FIRST_MS = 60_000
const MEND_LONGEST_MS = 3_600_000

export interface StoppedIndex {
  readonly app: number
  /** The last refusal. */
  readonly reason: string
  /** When it is filled again, milliseconds. */
  readonly retryAt: number
}

export interface IndexMender {
  stopped(app: number, reason: string): void
  list(): readonly StoppedIndex[]
  forget(app: number): void
}

export interface IndexMenderOptions {
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly signal: AbortSignal
  /** Fills the index of an app from the store; false when it stopped again. */
  readonly refill: (app: number) => Promise<boolean>
}

export function createIndexMender(options: IndexMenderOptions): IndexMender {
  const { clock, telemetry, signal, refill } = options
  const stopped = new Map<number, StoppedIndex>()
  const mend = async (app: number): Promise<void> => {
    for (let wait = MEND_FIRST_MS; ; wait = Math.min(2 * wait, MEND_LONGEST_MS)) {
      const entry = stopped.get(app)
      if (entry === undefined) return
      stopped.set(app, { ...entry, retryAt: clock.now() + wait })
      await clock.sleep(wait, signal)
      if (signal.aborted || !stopped.has(app)) return
      if (!(await refill(app))) continue
      stopped.delete(app)
      if (!signal.aborted) telemetry.log('info', 'index-mended', { app })
      return
    }
  }
  return {
    stopped: (app, reason) => {
      telemetry.log('error', 'index-stopped', { app, reason })
      const known = stopped.get(app)
      stopped.set(app, { app, reason, retryAt: known?.retryAt ?? 0 })
      if (known === undefined) void mend(app)
    },
    list: () => [...stopped.values()],
    forget: (app) => {
      stopped.delete(app)
    },
  }
}
