// Events of direct producers: from a batch of an inbox into the log, by the rules, limits and writer that HTTP has. What
// breaks a rule goes to dead letters; what the log does not take now is tried again until it does.
//
//   record ─▶ JSON or Avro ─▶ acceptEvent ─▶ log
//                 └ neither, no schema     └ invalid ─▶ dead letter        limited, failed ─▶ pause, again
import { MillraceError } from '#ports/errors'
import type { InboxBatch, InboxHandler, InboxRecord } from '#ports/inboxes'
import type { Schemas } from '#ports/schema-registry'
import type { DeadLetter } from '#schemas/dead-letter'
import {
  type AvroEventReader,
  avroEventReader,
  readJsonEvent,
  schemaIdOf,
} from '#schemas/inbox-event'
import type { JsonReading } from '#schemas/lenient-json'
import { acceptEvent } from './accept-event.ts'
import type { Grant } from './access.ts'
import type { Intake } from './intake.ts'

const PAUSE_MS = 200
/** Readers of schemas that are kept. */
const READERS_MAX = 1000

export interface InboxIntakeOptions {
  readonly intake: Intake
  readonly schemas: Schemas
  /** Makes a dead letter durable. */
  readonly deadLetter: (letter: DeadLetter) => Promise<void>
}

interface Refused {
  readonly code: string
  readonly message: string
}

export function createInboxIntake(options: InboxIntakeOptions): InboxHandler {
  const { intake, deadLetter } = options
  const read = createRecordReader(options.schemas)

  /** Null when it is in the log, why it never will be, or the error that trying again may mend. */
  const take = async (record: InboxRecord, grant: Grant): Promise<Refused | null> => {
    const body = await read(record)
    if (!body.ok) return body
    const { clock, ids, partitions } = intake
    const accepted = await acceptEvent(
      intake,
      { grant, idempotencyKey: placeOf(record), now: clock.now(), partitions, ids },
      body.value,
    )
    if (accepted.outcome === 'accepted') return null
    if (accepted.outcome === 'invalid') return { code: accepted.code, message: accepted.message }
    throw accepted.error
  }
  const settle = async <T>(batch: InboxBatch, work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof MillraceError && error.retryable)) throw error
        await intake.clock.sleep(PAUSE_MS, batch.signal)
        batch.signal.throwIfAborted()
        await batch.alive()
      }
    }
  }
  return async (batch) => {
    const [first] = batch.records
    if (first === undefined) return
    const { app, channel } = batch.inbox
    // The inbox stands for a key: it has one bucket of admission, and may send every event.
    const grant = { key: first.topic, app, channel, events: null, labels: { app: String(app) } }
    const taken = await Promise.all(
      batch.records.map((record) => settle(batch, () => take(record, grant))),
    )
    // In order, as the box of letters expects it.
    for (const [place, refused] of taken.entries()) {
      if (refused === null) continue
      const letter = letterOf(batch.records[place] as InboxRecord, refused, intake.clock.now())
      await settle(batch, () => deadLetter(letter))
    }
  }
}

/** Names one record for good; a copy that is handed over again is a repeat. */
const placeOf = ({ topic, partition, offset, timestamp }: InboxRecord): string =>
  `inbox ${topic}/${partition}/${offset} of ${timestamp}`

type Body = Extract<JsonReading, { ok: true }> | ({ readonly ok: false } & Refused)

function createRecordReader(schemas: Schemas): (record: InboxRecord) => Promise<Body> {
  const readers = new Map<number, AvroEventReader>()
  const unreadable = (message: string): Body => ({ ok: false, code: 'RECORD_UNREADABLE', message })

  const readerOf = async (id: number): Promise<AvroEventReader> => {
    const known = readers.get(id)
    if (known !== undefined) return known
    const made = avroEventReader(await schemas.schema(id))
    if (readers.size >= READERS_MAX) readers.clear()
    readers.set(id, made)
    return made
  }
  return async ({ value }) => {
    if (value === null) return unreadable('The record has no value.')
    const id = schemaIdOf(value)
    if (id === null) return judged(readJsonEvent(value))
    let reader: AvroEventReader
    try {
      reader = await readerOf(id)
    } catch (error) {
      if (error instanceof MillraceError && error.retryable) throw error
      return unreadable(`Schema ${id}: ${error instanceof Error ? error.message : String(error)}`)
    }
    return judged(reader(value))
  }
  function judged(reading: JsonReading): Body {
    return reading.ok ? reading : unreadable(reading.message)
  }
}

function letterOf(record: InboxRecord, refused: Refused, time: number): DeadLetter {
  const { topic, partition, offset, value } = record
  const { code: reason, message } = refused
  return {
    ...{ time, reason, message, sink: 'inbox', topic },
    ...{ generation: 0, partition, offset },
    value: Buffer.from(value ?? []).toString('base64'),
  }
}
