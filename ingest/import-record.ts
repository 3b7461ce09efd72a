// One line of an import as a record of the log. A line of a reject file (`line`, `code`, `message`, `text`) stands for the
// text in it, so that mended reject files can be imported as they are.
import { encodeRecord } from '#schemas/codec'
import { readEvent } from '#schemas/event-rules'
import { parseJson } from '#schemas/lenient-json'
import { partitionOf } from '#schemas/partition'
import { LINE_BYTES_MAX } from './import-lines.ts'

export interface ImportLine {
  /** null: the line was too long to be read. */
  readonly text: string | null
  /** From 1 on. */
  readonly line: number
  /** 32 hex digits that name this import, the same for every attempt at it. */
  readonly importId: string
  /** Milliseconds added to the event time. */
  readonly shift: number
  readonly now: number
  readonly app: number
  readonly channel: number
  readonly partitions: number
}

export type ImportReading =
  | { readonly ok: true; readonly partition: number; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly text: string }

export function importRecord(source: ImportLine): ImportReading {
  if (source.text === null) {
    const message = `The line has more than ${LINE_BYTES_MAX} bytes.`
    return { ok: false, code: 'BODY_TOO_LARGE', message, text: '' }
  }
  const parsed = parseJson(source.text)
  if (!parsed.ok)
    return { ok: false, code: 'BODY_INVALID', message: parsed.message, text: source.text }
  const mended = rejectedText(parsed.value)
  if (mended !== null) return importRecord({ ...source, text: mended })
  const read = readEvent(parsed.value, source.now)
  if (!read.ok) return { ok: false, code: read.code, message: read.message, text: source.text }
  const { event } = read
  const { app, channel, importId, line, now } = source
  // A constant head and a rising tail: ids of one import are neighbours in the store.
  const eventId = event.eventId ?? importId.slice(0, 20) + line.toString(16).padStart(12, '0')
  const bytes = encodeRecord({
    kind: 'event',
    app,
    channel,
    appendId: event.eventId === null ? '' : `${importId}/${line}`,
    event: { ...event, eventId, eventTime: event.eventTime + source.shift, creationTime: now },
  })
  const { entityType, entityId } = event
  return {
    ok: true,
    partition: partitionOf(app, channel, entityType, entityId, source.partitions),
    bytes,
  }
}

const REJECT_KEYS = ['line', 'code', 'message', 'text']

function rejectedText(value: unknown): string | null {
  if (value === null || typeof value !== 'object') return null
  const row = value as Record<string, unknown>
  const same =
    Object.keys(row).length === REJECT_KEYS.length && REJECT_KEYS.every((key) => key in row)
  return same && typeof row.text === 'string' ? row.text : null
}
