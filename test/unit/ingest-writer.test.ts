import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { Log } from '#ports/log'
import { createIngestFixture, type IngestFixture, KEY_ALL } from '../support/ingest-fixture.ts'
import { createManualClock } from '../support/memory/clock.ts'
import type { MemoryLog } from '../support/memory/log.ts'
import { until } from '../support/until.ts'

type Item = { status: number; eventId?: string; message?: string }

function post({ server }: IngestFixture, more: object = {}) {
  return server.inject({
    method: 'POST',
    url: `/events.json?accessKey=${KEY_ALL}`,
    payload: { event: 'view', entityType: 'user', entityId: 'u1', ...more },
  })
}

function postBatch({ server }: IngestFixture, elements: readonly object[]) {
  return server.inject({
    method: 'POST',
    url: `/batch/events.json?accessKey=${KEY_ALL}`,
    payload: elements,
  })
}

const user = (entityId: string): object => ({ event: 'view', entityType: 'user', entityId })

/** Waits until so many records stand before the log. */
const arrived = (held: { readonly calls: readonly number[] }, records: number): Promise<void> =>
  until(() => held.calls.reduce((sum, call) => sum + call, 0) === records)

/** A log whose appends wait until the test lets them go. */
function heldLog(): { wrap(log: MemoryLog): Log; letGo(): void; readonly calls: number[] } {
  const gate = Promise.withResolvers<void>()
  const calls: number[] = []
  return {
    calls,
    letGo: () => gate.resolve(),
    wrap: (log) => ({
      ...log,
      append: async (partition, values) => {
        calls.push(values.length)
        await gate.promise
        return log.append(partition, values)
      },
    }),
  }
}

test('a failing log gives 503 with the id the event would have had', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  fixture.log.full = true
  const own = await post(fixture, { eventId: 'mine' })
  assert.equal(own.statusCode, 503)
  assert.equal(own.headers['millrace-error'], 'LOG_FULL')
  assert.equal(own.headers['retry-after'], '1')
  assert.equal(own.body, '{"message":"The disk of the log is full.","eventId":"mine"}')
  const made = await post(fixture)
  const { eventId } = made.json<Item>()
  assert.match(String(eventId), /^[0-9a-f]{32}$/)
  assert.equal(made.headers['millrace-position'], undefined)
  fixture.log.full = false
  const again = await post(fixture, { eventId })
  assert.equal(again.body, `{"eventId":"${eventId}"}`)
})

test('in a batch each element that the log did not take says so, with its id', async (t) => {
  let failing = -1
  const fixture = await createIngestFixture({
    partitions: 4,
    wrapLog: (log): Log => ({
      ...log,
      append: (partition, values) => {
        if (failing < 0) failing = partition
        if (failing === partition) return Promise.reject(new Error('gone'))
        return log.append(partition, values)
      },
    }),
  })
  t.after(() => fixture.close())
  const elements = [{}, ...Array.from({ length: 40 }, (_, n) => user(`u${n}`))]
  const reply = await postBatch(fixture, elements)
  assert.equal(reply.statusCode, 200)
  assert.equal(reply.headers['millrace-error'], 'LOG_UNAVAILABLE')
  assert.equal(reply.headers['retry-after'], '1')
  const items = reply.json<Item[]>()
  assert.equal(items[0]?.status, 400)
  const failed = items.filter((item) => item.status === 503)
  const taken = items.filter((item) => item.status === 201)
  assert.equal(failed.length + taken.length, 40)
  assert.ok(failed.length > 0 && taken.length > 0)
  for (const item of failed) {
    assert.equal(item.message, 'The log did not take the record: gone')
    assert.match(String(item.eventId), /^[0-9a-f]{32}$/)
  }
  assert.equal((await fixture.records()).length, taken.length)
})

test('beyond what may wait for the log, requests are refused by exact count', async (t) => {
  const held = heldLog()
  const fixture = await createIngestFixture({
    limits: { waitingRecordsMax: 10 },
    wrapLog: held.wrap,
  })
  t.after(() => fixture.close())
  const batch = postBatch(fixture, [user('a'), user('b'), user('c'), user('d')])
  const singles = Array.from({ length: 5 }, () => post(fixture))
  await arrived(held, 9)
  const two = await postBatch(fixture, [user('e'), user('f')])
  assert.equal(two.statusCode, 503)
  assert.equal(two.headers['millrace-error'], 'OVERLOADED')
  assert.equal(two.headers['retry-after'], '1')
  assert.equal(two.body, '{"message":"Too much is waiting for the log (10 records)."}')
  const tenth = post(fixture)
  await arrived(held, 10)
  assert.equal((await post(fixture)).statusCode, 503, 'the eleventh')
  held.letGo()
  for (const single of [...singles, tenth]) assert.equal((await single).statusCode, 201)
  assert.equal((await batch).json<Item[]>().length, 4)
  assert.equal((await fixture.records()).length, 10)
  assert.equal((await post(fixture)).statusCode, 201, 'there is room again')
})

test('the bytes that wait are bounded too, but a lone request always has room', async (t) => {
  const held = heldLog()
  const fixture = await createIngestFixture({ limits: { waitingBytesMax: 50 }, wrapLog: held.wrap })
  t.after(() => fixture.close())
  const first = post(fixture, { properties: { text: 'x'.repeat(1000) } })
  await arrived(held, 1)
  const second = await post(fixture)
  assert.equal(second.headers['millrace-error'], 'OVERLOADED')
  held.letGo()
  assert.equal((await first).statusCode, 201)
})

test('what arrives in one turn goes to the log in one call', async (t) => {
  const held = heldLog()
  const fixture = await createIngestFixture({ wrapLog: held.wrap })
  t.after(() => fixture.close())
  const batch = postBatch(fixture, [user('a'), user('b'), user('c')])
  await arrived(held, 3)
  assert.deepEqual(held.calls, [3])
  held.letGo()
  assert.equal((await batch).headers['millrace-position'], '0/0/2')
})

test('an append without an answer is given up, and what waits stays counted', async (t) => {
  const clock = createManualClock()
  const held = heldLog()
  const fixture = await createIngestFixture({
    clock,
    limits: { appendTimeoutMs: 20_000, waitingRecordsMax: 1 },
    wrapLog: held.wrap,
  })
  t.after(() => fixture.close())
  const waiting = post(fixture, { eventId: 'slow' })
  await arrived(held, 1)
  clock.advance(19_999)
  assert.equal((await post(fixture)).headers['millrace-error'], 'OVERLOADED')
  clock.advance(1)
  const reply = await waiting
  assert.equal(reply.statusCode, 503)
  assert.equal(reply.headers['millrace-error'], 'LOG_UNAVAILABLE')
  assert.equal(
    reply.body,
    '{"message":"The log did not take the record: no answer within 20000 ms","eventId":"slow"}',
  )
  assert.equal((await post(fixture)).headers['millrace-error'], 'OVERLOADED')
  held.letGo()
  await until(async () => (await post(fixture)).statusCode === 201)
  assert.equal(clock.sleeping, 0, 'no timer is left behind')
})

test('a fault of ours is told apart from a fault of the log', async (t) => {
  const lines: string[] = []
  const fixture = await createIngestFixture({
    telemetry: { emit: () => {}, log: (_level, event) => lines.push(event) },
    wrapLog: (log): Log => ({ ...log, end: () => Promise.reject(new MillraceError('LOG_FULL')) }),
  })
  t.after(() => fixture.close())
  const reply = await fixture.server.inject({ url: `/events.json?accessKey=${KEY_ALL}` })
  assert.equal(reply.statusCode, 503)
  assert.equal(reply.headers['millrace-error'], 'LOG_UNAVAILABLE')
  assert.deepEqual(lines, [])
})
