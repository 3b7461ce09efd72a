// Forgets what the log has kept long enough: only records that every sink has applied, the archive's readers among them, so that
// everything can still be made from archive and log.
import type { Clock } from '#ports/clock'
import type { Log, LogReader } from '#ports/log'
import { SINKS, type Watermarks } from '#ports/watermarks'
import { decodeRecord, RecordFormatError } from '#schemas/codec'

/** Bytes read to find a record whose time is known. */
const PROBE_BYTES = 16 * 1024

export interface TrimOptions {
  readonly log: Log
  readonly watermarks: Watermarks
  readonly clock: Clock
  /** Younger records stay, milliseconds. */
  readonly retentionMs: number
}

/** Trims every partition; resolves with the number of offsets it has let go. @throws MillraceError LOG_UNAVAILABLE */
export async function trimLog({
  log,
  watermarks,
  clock,
  retentionMs,
}: TrimOptions): Promise<number> {
  const oldest = clock.now() - retentionMs
  let trimmed = 0
  for (let partition = 0; partition < log.partitions; partition++) {
    const start = await log.start(partition)
    const limit = Math.min(...SINKS.map((sink) => appliedIn(watermarks, sink, log, partition)))
    const before = await firstYoung(log, partition, start, limit, oldest)
    if (before <= start) continue
    await log.trim(partition, before)
    trimmed += (await log.start(partition)) - start
  }
  return trimmed
}

function appliedIn(
  watermarks: Watermarks,
  sink: (typeof SINKS)[number],
  { generation }: LogReader,
  partition: number,
): number {
  const applied = watermarks.applied(sink)
  return applied.generation === generation ? (applied.offsets[partition] ?? 0) : 0
}

/**
 * Offset in [start, limit] up to which all records are older. Times rise with offsets but for the moments by which clocks
 * differ, so halving finds it.
 */
async function firstYoung(
  log: LogReader,
  partition: number,
  start: number,
  limit: number,
  oldest: number,
): Promise<number> {
  let [low, high] = [start, Math.max(start, limit)]
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    if (await isOld(log, partition, middle, oldest)) low = middle + 1
    else high = middle
  }
  return low
}

/** False also where no time can be read: what is not known stays. */
async function isOld(
  log: LogReader,
  partition: number,
  offset: number,
  oldest: number,
): Promise<boolean> {
  const { records } = await log.read(partition, offset, PROBE_BYTES)
  for (const { value } of records) {
    const time = timeOf(value)
    if (time !== null) return time < oldest
  }
  return false
}

function timeOf(value: Uint8Array): number | null {
  try {
    const record = decodeRecord(value)
    return record.kind === 'event' ? record.event.creationTime : record.creationTime
  } catch (error) {
    if (error instanceof RecordFormatError) return null
    throw error
  }
}
