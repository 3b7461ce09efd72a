// An event as a direct producer wrote it, into an inbox: JSON as over HTTP, or Avro in the Confluent wire format with any
// registered schema that Avro's rules resolve to ours. Both become a body as `parseJson` gives it, for the same rules.
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { type JsonReading, parseJson } from './lenient-json.ts'

const FRAME_BYTES = 5

/** Text of the schema that producers are offered. */
export function inboxSchemaText(): string {
  return readFileSync(new URL('./avro/inbox-event.avsc', import.meta.url), 'utf8')
}

const reader = avro.Type.forSchema(JSON.parse(inboxSchemaText()) as avro.Schema, {
  wrapUnions: false,
})

const NAME = { name: 'InboxEvent', namespace: 'millrace' }

interface InboxRow {
  readonly eventTime: number | null
  readonly properties: string
}

/** The id of the schema that the bytes are framed with, or null when they are not framed, and so JSON. */
export function schemaIdOf(value: Uint8Array): number | null {
  if (value[0] !== 0 || value.length < FRAME_BYTES) return null
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).readInt32BE(1)
}

/** Reads the JSON of a record. */
export function readJsonEvent(value: Uint8Array): JsonReading {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(value)
  } catch {
    return { ok: false, message: 'The record is neither JSON nor Avro: it is no UTF-8 text.' }
  }
  const reading = parseJson(text)
  if (!reading.ok) return { ok: false, message: `The record is no JSON: ${reading.message}` }
  if (reading.value !== undefined) return reading
  return { ok: false, message: 'The record is no JSON: it is empty, or something is not closed.' }
}

/** Reads framed records of one schema. */
export type AvroEventReader = (value: Uint8Array) => JsonReading

/** @throws Error when the text is no Avro schema, or one that ours cannot be read from */
export function avroEventReader(writerSchema: string): AvroEventReader {
  const schema = JSON.parse(writerSchema) as { readonly type?: unknown }
  // Avro resolves records of one name only, but a producer may call its own as it likes.
  const named = schema.type === 'record' ? { ...schema, ...NAME, aliases: [] } : schema
  const writer = avro.Type.forSchema(named as avro.Schema, { wrapUnions: false, registry: {} })
  const resolver = reader.createResolver(writer)
  return (value) => {
    const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    let row: InboxRow
    try {
      row = reader.fromBuffer(buffer.subarray(FRAME_BYTES), resolver) as InboxRow
    } catch (error) {
      return { ok: false, message: `The record is no Avro of its schema: ${messageOf(error)}` }
    }
    return bodyOf(row)
  }
}

function bodyOf({ eventTime, properties, ...texts }: InboxRow): JsonReading {
  const read = parseJson(properties)
  if (!read.ok) return { ok: false, message: `properties is no JSON: ${read.message}` }
  const time = eventTime === null ? null : new Date(eventTime)
  if (time !== null && Number.isNaN(time.getTime())) {
    return { ok: false, message: `eventTime ${eventTime} is no time` }
  }
  return { ok: true, value: { ...texts, properties: read.value, eventTime: time?.toISOString() } }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
