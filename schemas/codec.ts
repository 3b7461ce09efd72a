// Log records as bytes: Avro in the Confluent wire format, `0 · schema id (int32, big-endian) · Avro binary`. The embedded
// log uses the fixed ids below; a schema registry may map others to them.
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import type { Event } from './event.ts'
import {
  type BarrierRecord,
  type DataDeleteRecord,
  type DeletionRecord,
  type ErasureRecord,
  type EventRecord,
  type LogRecord,
  RECORD_KINDS,
  type RecordKind,
} from './record.ts'

/** Fixed schema ids of the embedded log, and of the schemas as first written. */
export const SCHEMA_IDS: Readonly<Record<RecordKind, number>> = {
  event: 1,
  deletion: 2,
  erasure: 3,
  'data-delete': 4,
  barrier: 5,
}

const FRAME_BYTES = 5

/** The text of a record kind's Avro schema. */
export function schemaText(kind: RecordKind): string {
  return readFileSync(new URL(`./avro/${kind}.avsc`, import.meta.url), 'utf8')
}

const types = Object.fromEntries(
  RECORD_KINDS.map((kind) => [
    kind,
    avro.Type.forSchema(JSON.parse(schemaText(kind)) as avro.Schema, { wrapUnions: false }),
  ]),
) as Record<RecordKind, avro.Type>

type EventRow = Event & { app: number; channel: number; appendId: string }

/** Thrown for bytes that are no record of ours; carries what was wrong, for dead letters. */
export class RecordFormatError extends Error {
  override readonly name = 'RecordFormatError'
}

/** Larger records are encoded into memory of their own, so that one of them does not keep it for ever. */
const SCRATCH_BYTES_MAX = 1024 * 1024
let scratch = Buffer.alloc(64 * 1024)

/** A record as framed bytes of its own. */
export function encodeRecord(record: LogRecord): Buffer {
  const type = types[record.kind]
  const row = record.kind === 'event' ? toEventRow(record) : record
  let target = scratch
  let end = type.encode(row, target, FRAME_BYTES)
  if (end < 0) {
    // A negative end is how many bytes were missing.
    target = Buffer.allocUnsafe(target.length - end)
    if (target.length <= SCRATCH_BYTES_MAX) scratch = target
    end = type.encode(row, target, FRAME_BYTES)
  }
  target[0] = 0
  target.writeInt32BE(SCHEMA_IDS[record.kind], 1)
  return target === scratch ? Buffer.from(target.subarray(0, end)) : target.subarray(0, end)
}

/**
 * The record that framed bytes hold.
 * @throws RecordFormatError when the frame, the schema id or the Avro data is wrong.
 */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length < FRAME_BYTES || buffer[0] !== 0) {
    throw new RecordFormatError('no Confluent frame: the first byte must be 0')
  }
  const id = buffer.readInt32BE(1)
  const kind = RECORD_KINDS.find((k) => SCHEMA_IDS[k] === id)
  if (kind === undefined) throw new RecordFormatError(`unknown schema id ${id}`)
  return toRecord(kind, decodeRow(kind, buffer))
}

/**
 * The app of an event's framed bytes without decoding them, or null when they hold another kind of record. The app is the
 * first field of the schema: a zigzag varint right behind the frame.
 */
export function eventAppOf(bytes: Uint8Array): number | null {
  if (bytes[4] !== SCHEMA_IDS.event || bytes[3] !== 0 || bytes[2] !== 0 || bytes[1] !== 0)
    return null
  let zigzag = 0
  let scale = 1
  for (let at = FRAME_BYTES; at < bytes.length; at++) {
    const byte = bytes[at] as number
    zigzag += (byte & 127) * scale
    if (byte < 128) return zigzag / 2
    scale *= 128
  }
  return null
}

function decodeRow(kind: RecordKind, buffer: Buffer): unknown {
  let read: { value: unknown; offset: number }
  try {
    read = types[kind].decode(buffer, FRAME_BYTES)
  } catch (error) {
    throw new RecordFormatError(`no Avro data of schema ${kind}: ${(error as Error).message}`)
  }
  if (read.offset === buffer.length) return read.value
  const what = read.offset < 0 ? 'bytes are missing' : 'bytes are left over'
  throw new RecordFormatError(`no Avro data of schema ${kind}: ${what}`)
}

/** Member by member, in the order of the schema: this runs for every event. */
function toEventRow({ app, channel, appendId, event }: EventRecord): EventRow {
  return {
    app,
    channel,
    appendId,
    eventId: event.eventId,
    event: event.event,
    entityType: event.entityType,
    entityId: event.entityId,
    targetEntityType: event.targetEntityType,
    targetEntityId: event.targetEntityId,
    properties: event.properties,
    eventTime: event.eventTime,
    eventTimeOffset: event.eventTimeOffset,
    prId: event.prId,
    creationTime: event.creationTime,
  }
}

function toRecord(kind: RecordKind, row: unknown): LogRecord {
  switch (kind) {
    case 'event':
      return toEventRecord(row as EventRow)
    case 'deletion':
      return { kind, ...(row as Omit<DeletionRecord, 'kind'>) }
    case 'erasure':
      return { kind, ...(row as Omit<ErasureRecord, 'kind'>) }
    case 'data-delete':
      return { kind, ...(row as Omit<DataDeleteRecord, 'kind'>) }
    case 'barrier':
      return { kind, ...(row as Omit<BarrierRecord, 'kind'>) }
  }
}

function toEventRecord(row: EventRow): EventRecord {
  return {
    kind: 'event',
    app: row.app,
    channel: row.channel,
    appendId: row.appendId,
    event: {
      eventId: row.eventId,
      event: row.event,
      entityType: row.entityType,
      entityId: row.entityId,
      targetEntityType: row.targetEntityType,
      targetEntityId: row.targetEntityId,
      properties: row.properties,
      eventTime: row.eventTime,
      eventTimeOffset: row.eventTimeOffset,
      prId: row.prId,
      creationTime: row.creationTime,
    },
  }
}
