import assert from 'node:assert/strict'
import { test } from 'node:test'
import { derivedId } from '#schemas/ids'
import {
  createIngestFixture,
  KEY_ALL,
  KEY_OTHER,
  KEY_VIEW,
  MOBILE,
  SHOP,
} from '../support/ingest-fixture.ts'

const VIEW = { event: 'view', entityType: 'user', entityId: 'u1' }
const JSON_HEADERS = { 'content-type': 'application/json' }

function post(payload: unknown, query = `accessKey=${KEY_ALL}`, headers: object = {}) {
  return {
    method: 'POST',
    url: `/events.json?${query}`,
    headers: { ...JSON_HEADERS, ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  } as const
}

test('an accepted event is in the log when 201 is answered', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const reply = await fixture.server.inject(post({ ...VIEW, properties: { price: 5.0 } }))
  assert.equal(reply.statusCode, 201)
  assert.equal(reply.headers['content-type'], 'application/json')
  assert.equal(reply.headers['millrace-position'], '0/0/0')
  assert.equal(reply.headers['millrace-error'], undefined)
  const { eventId } = reply.json<{ eventId: string }>()
  assert.match(eventId, /^[0-9a-f]{32}$/)
  assert.equal(reply.body, `{"eventId":"${eventId}"}`)
  const [record] = await fixture.records()
  assert.ok(record?.kind === 'event')
  assert.equal(record.app, SHOP)
  assert.equal(record.channel, 0)
  assert.equal(record.appendId, '', 'an id made here names its append')
  assert.equal(record.event.eventId, eventId)
  assert.equal(record.event.eventTime, record.event.creationTime)
})

test("a client's event id is kept, and its append has a name of its own", async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const body = { ...VIEW, eventId: 'my "id"' }
  const first = await fixture.server.inject(post(body))
  assert.equal(first.body, '{"eventId":"my \\"id\\""}')
  await fixture.server.inject(post(body))
  const records = await fixture.records()
  const appends = records.map((record) => (record.kind === 'event' ? record.appendId : ''))
  assert.equal(new Set(appends).size, 2)
  assert.ok(appends.every((append) => append !== ''))
})

test('an Idempotency-Key gives the same id and the same append again', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const headers = { 'idempotency-key': 'order-17' }
  const id = derivedId(SHOP, 0, 'order-17', 0)
  for (let i = 0; i < 2; i++) {
    const reply = await fixture.server.inject(post(VIEW, undefined, headers))
    assert.equal(reply.body, `{"eventId":"${id}"}`)
  }
  const named = await fixture.server.inject(post({ ...VIEW, eventId: 'x' }, undefined, headers))
  assert.equal(named.body, '{"eventId":"x"}')
  const other = await fixture.server.inject(post(VIEW, `accessKey=${KEY_OTHER}`, headers))
  assert.notEqual(other.json<{ eventId: string }>().eventId, id)
  const appends = (await fixture.records()).map((r) => (r.kind === 'event' ? r.appendId : null))
  assert.deepEqual(appends, ['', '', id, ''])
})

test('an Idempotency-Key beyond its limit is refused', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const long = await fixture.server.inject(
    post(VIEW, undefined, { 'idempotency-key': 'k'.repeat(1025) }),
  )
  assert.equal(long.statusCode, 400)
  assert.equal(long.headers['millrace-error'], 'ID_TOO_LONG')
  const longest = await fixture.server.inject(
    post(VIEW, undefined, { 'idempotency-key': 'k'.repeat(1024) }),
  )
  assert.equal(longest.statusCode, 201)
})

test('each refusal has its status, its text and its code', async (t) => {
  const fixture = await createIngestFixture({ limits: { bodyBytesMax: 1000 } })
  t.after(() => fixture.close())
  const table: [string, ReturnType<typeof post>, number, string, RegExp][] = [
    [
      'rule',
      post({ event: 'view' }),
      400,
      'EVENT_FIELD_MISSING',
      /The field entityType is required\."}$/,
    ],
    ['no object', post('[]'), 400, 'EVENT_NOT_AN_OBJECT', /^{"message":"Can't convert JArray/],
    ['no JSON', post('{"event":x}'), 400, 'BODY_INVALID', /unknown token x/],
    ['nothing closed', post('{'), 400, 'EVENT_NOT_AN_OBJECT', /Can't convert JNothing/],
    ['empty', post(''), 400, 'BODY_INVALID', /^Request entity expected but not supplied$/],
    [
      'long id',
      post({ ...VIEW, entityId: 'x'.repeat(2000) }),
      400,
      'BODY_TOO_LARGE',
      /Some\(2\d\d\d\)/,
    ],
    [
      'form',
      post('a=b', undefined, { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'CONTENT_TYPE_UNSUPPORTED',
      /^The request's Content-Type is not supported\. Expected:\napplication\/json$/,
    ],
    [
      'not allowed',
      post({ ...VIEW, event: 'buy' }, `accessKey=${KEY_VIEW}`),
      403,
      'EVENT_NOT_ALLOWED',
      /^{"message":"buy events are not allowed"}$/,
    ],
    [
      'rule first',
      post({ event: 'buy' }, `accessKey=${KEY_VIEW}`),
      400,
      'EVENT_FIELD_MISSING',
      /entityType/,
    ],
    [
      'accept',
      post(VIEW, undefined, { accept: 'text/html' }),
      406,
      'NOT_ACCEPTABLE',
      /only available with these types:\napplication\/json$/,
    ],
  ]
  for (const [name, request, status, code, body] of table) {
    const reply = await fixture.server.inject(request)
    assert.equal(reply.statusCode, status, name)
    assert.equal(reply.headers['millrace-error'], code, name)
    assert.match(reply.body, body, name)
    const isText = !reply.body.startsWith('{')
    const type = isText ? 'text/plain; charset=UTF-8' : 'application/json'
    assert.equal(reply.headers['content-type'], type, name)
  }
  assert.deepEqual(await fixture.records(), [], 'nothing of it was stored')
})

test('an id of 1,024 bytes is taken and one of 1,025 is refused', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const longest = await fixture.server.inject(post({ ...VIEW, eventId: 'é'.repeat(512) }))
  assert.equal(longest.statusCode, 201)
  const long = await fixture.server.inject(post({ ...VIEW, eventId: `${'é'.repeat(512)}x` }))
  assert.equal(long.statusCode, 400)
  assert.equal(long.headers['millrace-error'], 'ID_TOO_LONG')
  const get = await fixture.server.inject({
    url: `/events/${encodeURIComponent('é'.repeat(512))}.json?accessKey=${KEY_ALL}`,
  })
  assert.equal(get.statusCode, 200, 'it can be read back, percent-encoded')
})

test('keys named like parts of a prototype are keys like any other', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const text =
    '{"event":"view","entityType":"user","entityId":"u","__proto__":{"event":"x"},"properties":{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}}'
  const reply = await fixture.server.inject(post(text))
  assert.equal(reply.statusCode, 201)
  assert.equal(({} as { a?: number; b?: number }).a, undefined)
  const [record] = await fixture.records()
  assert.ok(record?.kind === 'event')
  assert.equal(record.event.event, 'view')
  assert.equal(record.event.properties, '{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}')
})

test('a channel has its own events', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const reply = await fixture.server.inject(post(VIEW, `accessKey=${KEY_ALL}&channel=mobile`))
  assert.equal(reply.statusCode, 201)
  const [record] = await fixture.records()
  assert.ok(record?.kind === 'event')
  assert.equal(record.channel, MOBILE)
})
