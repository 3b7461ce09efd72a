// A dead letter as people see it: the record that was refused, and what speaks against it.
import type { EventStore } from '#ports/event-store'
import { decodeRecord, RecordFormatError, SCHEMA_IDS } from '#schemas/codec'
import type { DeadLetter } from '#schemas/dead-letter'
import type { DirectoryState } from '#schemas/directory'
import type { Event } from '#schemas/event'
import { formatEvent } from '#schemas/event-format'
import type { JsonObject } from '#schemas/json'
import type { EventRecord, LogRecord } from '#schemas/record'
import type { FoundLetter } from '../dead-letters.ts'

/** The refused record, or why it cannot be read. */
export type LetterRecord =
  | { readonly ok: true; readonly record: LogRecord }
  | { readonly ok: false; readonly reason: string }

export function recordOf(letter: DeadLetter): LetterRecord {
  try {
    return { ok: true, record: decodeRecord(Buffer.from(letter.value, 'base64')) }
  } catch (error) {
    if (error instanceof RecordFormatError) return { ok: false, reason: error.message }
    throw error
  }
}

/** One line of a list. */
export function letterRow(found: FoundLetter, directory: DirectoryState): JsonObject {
  const { at, letter, resent } = found
  const read = recordOf(letter)
  return {
    offset: at,
    time: letter.time,
    reason: letter.reason,
    message: letter.message,
    sink: letter.sink,
    position: positionText(letter),
    app: read.ok ? appName(directory, read.record.app) : null,
    resent: resent === null ? null : { time: resent.time, eventId: resent.eventId },
  }
}

/** Everything about one letter. Events are JSON texts, so that their numbers keep their digits. */
export async function letterView(
  found: FoundLetter,
  directory: DirectoryState,
  store: EventStore,
): Promise<JsonObject> {
  const { letter, resent } = found
  const read = recordOf(letter)
  const shown: JsonObject = {
    ...letterRow(found, directory),
    kind: read.ok ? read.record.kind : null,
    ...(read.ok ? contents(read.record) : unreadable(letter, read.reason)),
    stored: null,
    differences: [],
    resent:
      resent === null
        ? null
        : {
            time: resent.time,
            eventId: resent.eventId,
            mended: resent.mended,
            position: positionText(resent),
          },
  }
  if (!read.ok || read.record.kind !== 'event') return shown
  const stored = await storedEvent(store, read.record)
  if (stored === null) return shown
  return {
    ...shown,
    stored: formatEvent(stored),
    differences: differences(read.record.event, stored),
  }
}

/** The live event of the store that has the id and the entity of a refused one. */
export async function storedEvent(store: EventStore, record: EventRecord): Promise<Event | null> {
  const { eventId, entityType, entityId } = record.event
  store.refresh()
  const events = await store.getAll(record.app, record.channel, eventId)
  return events.find((e) => e.entityType === entityType && e.entityId === entityId) ?? null
}

function contents(record: LogRecord): JsonObject {
  const { app, channel } = record.kind === 'barrier' ? { ...record, channel: null } : record
  if (record.kind === 'event') return { appId: app, channel, event: formatEvent(record.event) }
  return { appId: app, channel, record: JSON.stringify(record) }
}

function unreadable(letter: DeadLetter, reason: string): JsonObject {
  const bytes = Buffer.from(letter.value, 'base64')
  const framed = bytes.length >= 5 && bytes[0] === 0
  return {
    unreadable: reason,
    bytes: bytes.length,
    schemaId: framed ? bytes.readInt32BE(1) : null,
    knownSchemas: { ...SCHEMA_IDS },
    value: letter.value,
  }
}

const COMPARED = [
  'event',
  'targetEntityType',
  'targetEntityId',
  'properties',
  'eventTime',
  'prId',
] as const satisfies readonly (keyof Event)[]

/** Fields in which two events of one id differ. */
function differences(refused: Event, stored: Event): JsonObject[] {
  return COMPARED.filter((field) => refused[field] !== stored[field]).map((field) => ({
    field,
    refused: refused[field],
    stored: stored[field],
  }))
}

function appName(directory: DirectoryState, app: number): string {
  return directory.apps.get(app)?.name ?? `${app} (deleted)`
}

function positionText(place: {
  readonly topic?: string
  readonly generation: number
  readonly partition: number
  readonly offset: number
}): string {
  return `${place.topic ?? place.generation}/${place.partition}/${place.offset}`
}
