// Reading a log of LMDB: group after group by key, up to the durable end. Used by the log itself and, in other threads,
// by `openSharedLogReader`.
import { type Database, open } from 'lmdb'
import { MillraceError } from '#ports/errors'
import type { LogBatch, LogReader } from '#ports/log'
import { type DurableEnd, readDurableEnd } from './durable-end.ts'
import { logError } from './errors.ts'
import { DURABLE_ENVIRONMENT } from './lmdb.ts'
import { groupCount, isWholeGroup, unpackGroup } from './log-group.ts'

/** Groups by the offset of their first record. */
export type GroupTable = Database<Buffer, number>

/** What another thread needs to read the events log; can be sent to it as it is. */
export interface LogShare {
  readonly path: string
  readonly durable: SharedArrayBuffer
}

export const EVENTS_TABLE = 'events'
export const GENERATION = 0

/** An embedded log has one partition. Another number is a fault of the caller. */
export function assertPartition(partition: number): void {
  if (partition !== 0) throw new RangeError(`an embedded log has no partition ${partition}`)
}

export interface GroupReader {
  /** @throws MillraceError LOG_TRIMMED, LOG_UNAVAILABLE */
  read(from: number, maxBytes: number): LogBatch
}

export function createGroupReader(table: GroupTable, durable: DurableEnd): GroupReader {
  /** Durable end when the snapshot was taken: a read behind it needs a new one. */
  let snapshotEnd = -1

  /** Offset of the group that holds `from`. */
  const findGroup = (from: number): number => {
    for (const key of table.getKeys({ start: from, reverse: true, limit: 1 })) return key
    throw new MillraceError('LOG_TRIMMED', { from, start: durable.start })
  }
  const wholeGroup = (offset: number, group: Buffer): Buffer => {
    if (isWholeGroup(group)) return group
    const reason = `the group at offset ${offset} is damaged on disk`
    throw new MillraceError('LOG_UNAVAILABLE', { reason })
  }
  return {
    read(from, maxBytes) {
      const { start, end } = durable
      if (from < start) throw new MillraceError('LOG_TRIMMED', { from, start })
      if (from >= end) return { records: [], next: from }
      if (snapshotEnd < end) {
        table.resetReadTxn()
        snapshotEnd = end
      }
      const records: { offset: number; value: Uint8Array }[] = []
      let bytes = 0
      let next = from
      while (next < end && bytes < maxBytes) {
        let first = next
        let group = table.getBinary(first)
        if (group === undefined && next === from) {
          first = findGroup(from)
          group = table.getBinary(first)
        }
        if (group === undefined) {
          const reason = `the group at offset ${first} is missing`
          throw new MillraceError('LOG_UNAVAILABLE', { reason })
        }
        wholeGroup(first, group)
        if (first + groupCount(group) <= next) {
          const reason = `the group behind offset ${first} is missing`
          throw new MillraceError('LOG_UNAVAILABLE', { reason })
        }
        bytes += unpackGroup(group, first, next - first, records)
        next = first + groupCount(group)
      }
      return { records, next }
    },
  }
}

/** The methods of a reader over one table. `closed` tells whether it was closed. */
export function readerMethods(
  groups: GroupReader,
  durable: DurableEnd,
  closed: () => boolean,
): Omit<LogReader, 'close'> {
  const assertOpen = (): void => {
    if (closed()) throw new MillraceError('LOG_UNAVAILABLE', { reason: 'it is closed' })
  }
  return {
    generation: GENERATION,
    partitions: 1,
    async end(partition) {
      assertPartition(partition)
      return durable.end
    },
    async start(partition) {
      assertPartition(partition)
      return durable.start
    },
    async read(partition, from, maxBytes) {
      assertPartition(partition)
      assertOpen()
      try {
        return groups.read(from, maxBytes)
      } catch (error) {
        throw logError(error)
      }
    },
    async waitFor(partition, offset, signal) {
      assertPartition(partition)
      await durable.waitFor(offset, signal)
    },
  }
}

/**
 * Opens the events log in another thread of the process that owns it.
 * @throws MillraceError LOG_UNAVAILABLE
 */
export async function openSharedLogReader(share: LogShare): Promise<LogReader> {
  const durable = readDurableEnd(share.durable)
  try {
    const environment = open({ path: share.path, ...DURABLE_ENVIRONMENT, readOnly: true })
    const table = environment.openDB<Buffer, number>(EVENTS_TABLE, { encoding: 'binary' })
    let closed = false
    return {
      ...readerMethods(createGroupReader(table, durable), durable, () => closed),
      async close() {
        if (closed) return
        closed = true
        durable.close()
        await environment.close()
      },
    }
  } catch (error) {
    throw logError(error)
  }
}
