import assert from 'node:assert/strict'
import { test } from 'node:test'
import { derivedId } from '#schemas/ids'
import { createIngestFixture, KEY_ALL, KEY_VIEW, SHOP } from '../support/ingest-fixture.ts'

type Item = { status: number; eventId?: string; message?: string }

const event = (name: string, entityId: string, more: object = {}): object => ({
  event: name,
  entityType: 'user',
  entityId,
  ...more,
})

function batch(payload: unknown, key = KEY_ALL, headers: object = {}) {
  return {
    method: 'POST',
    url: `/batch/events.json?accessKey=${key}`,
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  } as const
}

test('a mixed batch is answered element by element, in order', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const reply = await fixture.server.inject(
    batch(
      [
        event('view', 'a', { eventId: 'first' }),
        event('buy', 'b'),
        { event: 'buy' },
        null,
        event('like', 'c', { eventId: 'last' }),
      ],
      KEY_VIEW,
    ),
  )
  assert.equal(reply.statusCode, 200)
  assert.deepEqual(reply.json(), [
    { status: 201, eventId: 'first' },
    { status: 403, message: 'buy events are not allowed' },
    {
      status: 400,
      message:
        'org.apache.predictionio.data.storage.DataMapException: The field entityType is required.',
    },
    { status: 400, message: 'JNull (of class org.json4s.JsonAST$JNull$)' },
    { status: 201, eventId: 'last' },
  ])
  assert.equal(reply.headers['millrace-position'], '0/0/1')
  const ids = (await fixture.records()).map((r) => (r.kind === 'event' ? r.event.eventId : ''))
  assert.deepEqual(ids, ['first', 'last'])
})

test('a batch over several partitions names the highest position of each', async (t) => {
  const fixture = await createIngestFixture({ partitions: 3 })
  t.after(() => fixture.close())
  const elements = Array.from({ length: 50 }, (_, n) => event('view', `u${n}`))
  const reply = await fixture.server.inject(batch(elements))
  assert.equal(reply.json<Item[]>().filter((item) => item.status === 201).length, 50)
  const header = String(reply.headers['millrace-position'])
  const offsets = header.split(',').map((position) => Number(position.split('/')[2]) + 1)
  assert.equal(offsets.length, 3)
  assert.equal(
    offsets.reduce((sum, n) => sum + n, 0),
    50,
  )
})

test('the number of elements is checked before any of them', async (t) => {
  const fixture = await createIngestFixture({ limits: { batchEventsMax: 3 } })
  t.after(() => fixture.close())
  const four = await fixture.server.inject(batch([{}, {}, {}, event('view', 'u')]))
  assert.equal(four.statusCode, 400)
  assert.equal(four.headers['millrace-error'], 'BATCH_TOO_LARGE')
  assert.equal(four.body, '{"message":"Batch request must have less than or equal to 3 events"}')
  const three = await fixture.server.inject(batch([{}, {}, event('view', 'u')]))
  assert.equal(three.statusCode, 200)
  assert.equal((await fixture.records()).length, 1)
})

test('50 elements are taken by default and 51 are not', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const elements = Array.from({ length: 51 }, (_, n) => event('view', `u${n}`))
  assert.equal((await fixture.server.inject(batch(elements.slice(1)))).statusCode, 200)
  assert.equal((await fixture.server.inject(batch(elements))).statusCode, 400)
})

test('what is no array is refused as a whole', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const table: [string, string, number][] = [
    ['{}', `{"message":"Can't convert JObject(List()) to interface scala.collection.Seq"}`, 400],
    ['[{', `{"message":"Can't convert JNothing to interface scala.collection.Seq"}`, 400],
    ['', 'Request entity expected but not supplied', 400],
    ['[]', '[]', 200],
  ]
  for (const [payload, body, status] of table) {
    const reply = await fixture.server.inject(batch(payload))
    assert.equal(reply.statusCode, status, payload)
    assert.equal(reply.body, body, payload)
  }
})

test('with an Idempotency-Key each place has its own id', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const elements = [event('view', 'a'), {}, event('view', 'a')]
  const reply = await fixture.server.inject(batch(elements, KEY_ALL, { 'idempotency-key': 'k' }))
  const ids = reply.json<Item[]>().map((item) => item.eventId)
  assert.deepEqual(ids, [derivedId(SHOP, 0, 'k', 0), undefined, derivedId(SHOP, 0, 'k', 2)])
})
