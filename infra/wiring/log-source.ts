// How a thread of this process, beside the one that writes, gets at the event log: what it is told is plain data.
import type { Clock } from '#ports/clock'
import type { DirectProducers } from '#ports/inboxes'
import type { Closable } from '#ports/lifecycle'
import type { Log, LogReader } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import { type LogShare, openSharedLogReader } from '../embedded/log-reader.ts'
import type { EmbeddedLogs } from '../embedded/logs.ts'

export type LogSource =
  | { readonly scheme: 'lmdb:'; readonly share: LogShare }
  | { readonly scheme: 'kafka:'; readonly url: string; readonly prefix: string }

/** The logs, and where other threads read the first. */
export interface Logs extends Closable {
  readonly events: Log
  readonly control: Log
  readonly deadLetters: Log
  /** Where the sinks of all processes tell their places; null where one process runs them. */
  readonly places: Log | null
  readonly source: LogSource
  /** Null where the log has no inboxes. */
  readonly direct: DirectProducers | null
}

/** The logs of the data folder, for other threads to read too. */
export function withSource(logs: EmbeddedLogs): Logs {
  const source = { scheme: 'lmdb:', share: logs.share() } as const
  return { ...logs, places: null, source, direct: null }
}

/**
 * `paceMs` is for readers that can wait: over a network they ask less often under load.
 * @throws MillraceError LOG_UNAVAILABLE, SERVER_UNREACHABLE, SERVER_REFUSED
 */
export async function openLogSource(
  source: LogSource,
  clock: Clock,
  telemetry: Telemetry,
  paceMs?: number,
): Promise<LogReader> {
  if (source.scheme === 'lmdb:') return openSharedLogReader(source.share)
  const { openKafkaLogReader } = await import('../kafka/logs.ts')
  return openKafkaLogReader({
    ...source,
    clock,
    telemetry,
    ...(paceMs !== undefined && { paceMs }),
  })
}
