// What the cells of the event store's tables hold.
import { decodeRecord, encodeRecord } from '#schemas/codec'
import type { IdentityState } from '#schemas/effective'
import type { EventRecord, Placed } from '#schemas/record'
import type { Row } from './client.ts'

/** The value of a row that has ended. */
export const ENDED = Buffer.alloc(0)

export const isLive = (row: Row | null): row is Row => row !== null && row.value.length > 0

const PARTITION_BYTES = 2

/** An event's cell: its partition, then its record; the cell's timestamp is its order. */
export function packEvent({ partition, record }: Placed<EventRecord>): Buffer {
  const head = Buffer.allocUnsafe(PARTITION_BYTES)
  head.writeUInt16BE(partition)
  return Buffer.concat([head, encodeRecord(record)])
}

export interface StoredEvent {
  readonly record: EventRecord
  readonly partition: number
  readonly order: number
}

export function unpackEvent({ value, timestamp }: Row): StoredEvent {
  return {
    record: decodeRecord(value.subarray(PARTITION_BYTES)) as EventRecord,
    partition: value.readUInt16BE(0),
    order: timestamp,
  }
}

/** What was decided of an identity, and where its live event is. */
export interface IdentityRow {
  readonly state: IdentityState
  readonly partition: number
  /** Key of the live (or last live) event. */
  readonly event: Buffer
}

export function packIdentity({ state, partition, event }: IdentityRow): Buffer {
  const { decidedAt, liveAt, contentHash, appends } = state
  return Buffer.from(
    JSON.stringify([decidedAt, liveAt, contentHash, appends, partition, event.toString('base64')]),
  )
}

export function unpackIdentity({ value }: Row): IdentityRow {
  const [decidedAt, liveAt, contentHash, appends, partition, event] = JSON.parse(
    value.toString(),
  ) as [number, number, number, string[], number, string]
  return {
    state: { decidedAt, liveAt, contentHash, appends },
    partition,
    event: Buffer.from(event, 'base64'),
  }
}
