// Trims the log now and then, behind all sinks: see `streams/trim-log.ts`.
import type { Clock } from '#ports/clock'
import { asMillraceError } from '#ports/errors'
import type { Closable } from '#ports/lifecycle'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import type { Watermarks } from '#ports/watermarks'
import { trimLog } from '../../streams/trim-log.ts'
import { DAY_MS } from '../archive/layout.ts'

export const RETENTION_DAYS = 7
/** Also the time to the first: a command opens a platform for a second. */
export const TRIM_EVERY_MS = 600_000

export interface LogRetentionOptions {
  readonly log: Log
  readonly watermarks: Watermarks
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Days that a record stays; 0: for ever. */
  readonly days: number
}

export function startLogRetention(options: LogRetentionOptions): Closable {
  const { clock, telemetry, days } = options
  const over = new AbortController()
  const repeat = async (): Promise<void> => {
    await clock.sleep(TRIM_EVERY_MS, over.signal)
    while (!over.signal.aborted) {
      try {
        const records = await trimLog({ ...options, retentionMs: days * DAY_MS })
        if (records > 0) telemetry.log('info', 'log-trimmed', { records })
      } catch (error) {
        telemetry.log('error', 'log-not-trimmed', { reason: asMillraceError(error).message })
      }
      await clock.sleep(TRIM_EVERY_MS, over.signal)
    }
  }
  const repeating = days > 0 ? repeat() : Promise.resolve()
  return {
    close: async () => {
      over.abort()
      await repeating
    },
  }
}
