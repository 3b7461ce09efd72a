import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { MillraceError } from '#ports/errors'
import type { InboxRecord } from '#ports/inboxes'
import { silentTelemetry } from '#ports/telemetry'
import { decodeRecord } from '#schemas/codec'
import type { DeadLetter } from '#schemas/dead-letter'
import { createIdSource } from '#schemas/ids'
import type { EventRecord } from '#schemas/record'
import { createInboxIntake } from '../../ingest/inbox.ts'
import { createIntake } from '../../ingest/intake.ts'
import { createWatermarks } from '../../streams/watermarks.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryEventStore, createMemoryEvents } from '../support/memory/event-store.ts'
import { createMemoryLog } from '../support/memory/log.ts'

const TOPIC = 'millrace.inbox.app-3.channel-2'

function createInbox(options: { eventsPerSecond?: number } = {}) {
  const log = createMemoryLog({ partitions: 3 })
  const clock = createManualClock()
  const intake = createIntake({
    log,
    store: createMemoryEventStore(createMemoryEvents()),
    watermarks: createWatermarks({ partitions: 3, generation: 0, clock }),
    ...{ clock, telemetry: silentTelemetry, ids: createIdSource() },
    limits: { eventsPerSecond: options.eventsPerSecond ?? 0, batchEventsMax: 1 },
  })
  const letters: DeadLetter[] = []
  let away = false
  const handler = createInboxIntake({
    intake,
    schemas: {
      schema: async (id) => {
        if (away)
          throw new MillraceError('SCHEMA_REGISTRY_UNAVAILABLE', { address: '', reason: '' })
        throw new MillraceError('SCHEMA_UNKNOWN', { id })
      },
    },
    deadLetter: async (letter) => {
      letters.push(letter)
    },
  })
  let alive = 0
  const take = (records: readonly InboxRecord[], signal = new AbortController().signal) =>
    handler({
      ...{ inbox: { app: 3, channel: 2 }, records, signal },
      alive: async () => {
        alive++
      },
    })
  const stored = async (): Promise<EventRecord[]> => {
    const parts = await Promise.all([0, 1, 2].map((p) => log.read(p, 0, 1e9)))
    return parts.flatMap(({ records }) =>
      records.map(({ value }) => decodeRecord(value) as EventRecord),
    )
  }
  const setAway = (value: boolean): void => {
    away = value
  }
  return { log, clock, take, stored, letters, setAway, alive: () => alive }
}

const record = (offset: number, value: string | Buffer | null): InboxRecord => ({
  ...{ topic: TOPIC, partition: 1, offset, timestamp: '1700000000000' },
  value: value === null ? null : Buffer.from(value),
})
const view = (user: string, more: object = {}): string =>
  JSON.stringify({ event: 'view', entityType: 'user', entityId: user, ...more })

test('inbox: an event without an id gets one from its place, so a copy is a repeat', async () => {
  const { take, stored } = createInbox()
  const records = [record(0, view('u')), record(1, view('u', { eventId: 'mine' }))]
  await take(records)
  await take(records)
  await take([{ ...record(0, view('u')), timestamp: '1700000000001' }])
  const all = await stored()
  assert.equal(all.length, 5)
  const [first, second, ...again] = all
  assert.ok(first && second)
  assert.deepEqual([first.app, first.channel], [3, 2])
  assert.equal(again[0]?.event.eventId, first.event.eventId)
  assert.equal(second.event.eventId, 'mine')
  assert.equal(again[1]?.appendId, second.appendId)
  assert.notEqual(again[2]?.event.eventId, first.event.eventId)
})

test('inbox: what breaks a rule or cannot be read is in dead letters, in order, with its place', async () => {
  const { take, stored, letters } = createInbox()
  await take([
    record(0, 'garbage'),
    record(1, view('')),
    record(2, view('u')),
    record(3, null),
    record(4, Buffer.from([0, 0, 0, 0, 9, 1])),
  ])
  assert.equal((await stored()).length, 1)
  assert.deepEqual(
    letters.map(({ reason, offset, topic, partition, sink }) => [
      ...[reason, offset, topic, partition, sink],
    ]),
    [
      ['RECORD_UNREADABLE', 0, TOPIC, 1, 'inbox'],
      ['ENTITY_ID_EMPTY', 1, TOPIC, 1, 'inbox'],
      ['RECORD_UNREADABLE', 3, TOPIC, 1, 'inbox'],
      ['RECORD_UNREADABLE', 4, TOPIC, 1, 'inbox'],
    ],
  )
  assert.equal(Buffer.from(letters[0]?.value ?? '', 'base64').toString(), 'garbage')
})

test('inbox: a full log, a registry that is away and too many events are waited for', async () => {
  const { log, clock, take, stored, letters, setAway, alive } = createInbox({ eventsPerSecond: 1 })
  log.full = true
  setAway(true)
  const framed = Buffer.from([0, 0, 0, 0, 9, 1])
  const taken = take([record(0, view('a')), record(1, view('b')), record(2, framed)])
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < 10; i++) await turn()
    clock.advance(ms)
    for (let i = 0; i < 10; i++) await turn()
  }
  await pass(200)
  assert.deepEqual([(await stored()).length, letters.length], [0, 0])
  assert.ok(alive() > 0)
  log.full = false
  setAway(false)
  for (let i = 0; i < 20; i++) await pass(200)
  await taken
  assert.deepEqual([(await stored()).length, letters.length], [2, 1])
})

test('inbox: a batch is given up when the signal says so', async () => {
  const { log, clock, take } = createInbox()
  log.full = true
  const over = new AbortController()
  const taken = assert.rejects(take([record(0, view('a'))], over.signal))
  for (let i = 0; i < 10; i++) await turn()
  over.abort()
  clock.advance(200)
  await taken
})
