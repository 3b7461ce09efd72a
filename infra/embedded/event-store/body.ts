// An event as the value of its row. The row's key holds eventTime and position; names and types are numbers of the
// dictionary; what is absent takes no byte.
import type { Event } from '#schemas/event'
import { appendHashes, appendName } from '#schemas/identity-hash'
import type { EventRecord } from '#schemas/record'
import { ByteReader, type ByteWriter } from './bytes.ts'
import { rowTime, writeHexId } from './keys.ts'
import type { Texts, WritableTexts } from './texts.ts'

const HAS_TARGET = 1
const HAS_PR_ID = 2
const HAS_OFFSET = 4
const HAS_CREATION = 8
const HAS_APPEND = 16
const HAS_HEX_ID = 32
const HAS_PROPERTIES = 64

const hexId = Buffer.alloc(16)
const reader = new ByteReader()

/** Writes the record's body behind what the writer holds. */
export function writeBody(writer: ByteWriter, texts: WritableTexts, record: EventRecord): void {
  const { event, appendId } = record
  const isHex = writeHexId(hexId, 0, event.eventId)
  const { targetEntityType, targetEntityId } = event
  const hasTarget = targetEntityType !== null && targetEntityId !== null
  writer.byte(
    (hasTarget ? HAS_TARGET : 0) |
      (event.prId === null ? 0 : HAS_PR_ID) |
      (event.eventTimeOffset === 0 ? 0 : HAS_OFFSET) |
      (event.creationTime === event.eventTime ? 0 : HAS_CREATION) |
      (appendId === '' ? 0 : HAS_APPEND) |
      (isHex ? HAS_HEX_ID : 0) |
      (event.properties === '{}' ? 0 : HAS_PROPERTIES),
  )
  writer.varint(texts.number(event.event))
  writer.varint(texts.number(event.entityType))
  writer.text(event.entityId)
  if (hasTarget) {
    writer.varint(texts.number(targetEntityType))
    writer.text(targetEntityId)
  }
  if (isHex) writer.bytes(hexId, 0, 16)
  else writer.text(event.eventId)
  if (event.eventTimeOffset !== 0) writer.int16(event.eventTimeOffset)
  if (event.creationTime !== event.eventTime) writer.double(event.creationTime)
  if (appendId !== '') {
    const [high, low] = appendHashes(appendId)
    writer.uint32(high)
    writer.uint32(low)
  }
  if (event.prId !== null) writer.text(event.prId)
  if (event.properties !== '{}') writer.text(event.properties)
}

/** A stored event with the name of its append. */
export interface StoredEvent {
  readonly event: Event
  readonly append: string
}

/** Reads a body; `row` holds the event's row at `rowAt`. */
export function readBody(body: Buffer, texts: Texts, row: Buffer, rowAt: number): StoredEvent {
  const bytes = reader.open(body)
  const flags = bytes.byte()
  const event = texts.text(bytes.varint())
  const entityType = texts.text(bytes.varint())
  const entityId = bytes.text()
  const hasTarget = (flags & HAS_TARGET) !== 0
  const targetEntityType = hasTarget ? texts.text(bytes.varint()) : null
  const targetEntityId = hasTarget ? bytes.text() : null
  const eventId = flags & HAS_HEX_ID ? bytes.hex(16) : bytes.text()
  const eventTime = rowTime(row, rowAt)
  const eventTimeOffset = flags & HAS_OFFSET ? bytes.int16() : 0
  const creationTime = flags & HAS_CREATION ? bytes.double() : eventTime
  const append = flags & HAS_APPEND ? bytes.hex(8) : appendName(eventId)
  const prId = flags & HAS_PR_ID ? bytes.text() : null
  const properties = flags & HAS_PROPERTIES ? bytes.text() : '{}'
  return {
    append,
    event: {
      eventId,
      event,
      entityType,
      entityId,
      targetEntityType,
      targetEntityId,
      properties,
      eventTime,
      eventTimeOffset,
      prId,
      creationTime,
    },
  }
}

/** Numbers of the event name and the entity type, without reading the rest. */
export function bodyNames(body: Buffer): { readonly event: number; readonly entityType: number } {
  const bytes = reader.open(body, 1)
  return { event: bytes.varint(), entityType: bytes.varint() }
}
