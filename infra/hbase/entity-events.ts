// The live events of one entity and event name, in order of time, ties by position. In HBase they stand newest first; a
// scan the other way gives them oldest first. Events of one time are gathered to be put in order of position.
import { behind, fromTime, namedKey } from './keys.ts'
import { isLive, type StoredEvent, unpackEvent } from './rows.ts'
import type { StoreTables } from './tables.ts'

export interface NamedEntity {
  readonly tenant: Buffer
  readonly entityType: string
  readonly entityId: string
  readonly event: string
}

export interface EntityRange {
  readonly newestFirst: boolean
  /** Inclusive. */
  readonly startTime?: number | null
  /** Exclusive. */
  readonly untilTime?: number | null
  /** Rows asked for at once. */
  readonly batch: number
}

export async function* entityEvents(
  tables: StoreTables,
  named: NamedEntity,
  { newestFirst, startTime = null, untilTime = null, batch }: EntityRange,
): AsyncGenerator<StoredEvent> {
  if (startTime !== null && untilTime !== null && startTime >= untilTime) return
  const prefix = namedKey(named.tenant, named.entityType, named.entityId, named.event)
  // Ascending keys are descending times: the newest wanted is the one before `untilTime`.
  const newest = untilTime === null ? prefix : fromTime(prefix, untilTime - 1)
  const oldest = startTime === null ? behind(prefix) : fromTime(prefix, startTime - 1)
  const rows = newestFirst
    ? tables.scan('event', { start: newest, stop: oldest, batch })
    : tables.scan('event', { start: oldest, stop: justBelow(newest), reversed: true, batch })
  let run: StoredEvent[] = []
  for await (const row of rows) {
    // A reversed scan includes its start, which is behind what is wanted.
    if (!isLive(row) || !row.key.subarray(0, prefix.length).equals(prefix)) continue
    const stored = unpackEvent(row)
    if (!isOf(stored, named) || isOutside(stored, startTime, untilTime)) continue
    const [first] = run
    if (first !== undefined && first.record.event.eventTime !== stored.record.event.eventTime) {
      yield* inOrder(run, newestFirst)
      run = []
    }
    run.push(stored)
  }
  yield* inOrder(run, newestFirst)
}

/** The greatest key that is smaller: what a reversed scan may stop at to include the key itself. */
function justBelow(key: Buffer): Buffer {
  const below = Buffer.from(key)
  for (let at = below.length - 1; at >= 0; at--) {
    const byte = below[at] as number
    below[at] = byte === 0 ? 255 : byte - 1
    if (byte > 0) break
  }
  return Buffer.concat([below, Buffer.from([255])])
}

function isOf({ record: { event } }: StoredEvent, named: NamedEntity): boolean {
  return (
    event.entityType === named.entityType &&
    event.entityId === named.entityId &&
    event.event === named.event
  )
}

function isOutside(
  { record: { event } }: StoredEvent,
  startTime: number | null,
  untilTime: number | null,
): boolean {
  return (
    (startTime !== null && event.eventTime < startTime) ||
    (untilTime !== null && event.eventTime >= untilTime)
  )
}

function inOrder(run: readonly StoredEvent[], newestFirst: boolean): StoredEvent[] {
  const sign = newestFirst ? -1 : 1
  return run.toSorted((a, b) => sign * (a.order - b.order))
}
