import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { EventStore, FindFilter } from '#ports/event-store'
import type { Log } from '#ports/log'
import { createIngestFixture, type IngestFixture, KEY_ALL } from '../support/ingest-fixture.ts'
import { until } from '../support/until.ts'

const KEY = `accessKey=${KEY_ALL}`

async function send(
  { server }: IngestFixture,
  entityId: string,
  more: object = {},
): Promise<string> {
  const reply = await server.inject({
    method: 'POST',
    url: `/events.json?${KEY}`,
    payload: { event: 'view', entityType: 'user', entityId, ...more },
  })
  assert.equal(reply.statusCode, 201)
  return reply.json<{ eventId: string }>().eventId
}

test('what was acknowledged is read at once', async (t) => {
  const fixture = await createIngestFixture({ partitions: 3 })
  t.after(() => fixture.close())
  for (let n = 0; n < 20; n++) {
    const eventId = await send(fixture, `u${n}`, { eventTime: '2020-01-02T03:04:05.678+01:30' })
    const single = await fixture.server.inject({ url: `/events/${eventId}.json?${KEY}` })
    assert.equal(single.statusCode, 200)
    assert.match(
      single.body,
      /^{"eventId":"\w+","event":"view","entityType":"user","entityId":"u\d+","properties":{},"eventTime":"2020-01-02T03:04:05\.678\+01:30","creationTime":"[^"]+Z"}$/,
    )
    const list = await fixture.server.inject({
      url: `/events.json?${KEY}&entityType=user&entityId=u${n}`,
    })
    assert.equal(list.body, `[${single.body}]`)
  }
})

test('a read behind a held store is given up with 503, and never answers what is stale', async (t) => {
  const fixture = await createIngestFixture({ limits: { readTimeoutMs: 30, retryAfterSeconds: 7 } })
  t.after(() => fixture.close())
  fixture.sink.held = true
  const eventId = await send(fixture, 'u1')
  for (const [method, url] of [
    ['GET', `/events/${eventId}.json?${KEY}`],
    ['GET', `/events.json?${KEY}`],
    ['DELETE', `/events/${eventId}.json?${KEY}`],
  ] as const) {
    const reply = await fixture.server.inject({ method, url })
    assert.equal(reply.statusCode, 503)
    assert.equal(reply.headers['millrace-error'], 'READ_TIMEOUT')
    assert.equal(reply.headers['retry-after'], '7')
    assert.match(reply.body, /^{"message":"The store is behind: .* within 30 ms\."}$/)
  }
  assert.equal((await fixture.records()).length, 1, 'nothing was deleted')
  fixture.sink.release()
  const reply = await fixture.server.inject({ url: `/events/${eventId}.json?${KEY}` })
  assert.equal(reply.statusCode, 200)
})

test('a read of an entity whose partition is quiet is answered while another one is held', async (t) => {
  const fixture = await createIngestFixture({ partitions: 8, limits: { readTimeoutMs: 30 } })
  t.after(() => fixture.close())
  fixture.sink.held = true
  await send(fixture, 'u1')
  const statuses: number[] = []
  for (let n = 0; n < 40; n++) {
    const url = `/events.json?${KEY}&entityType=user&entityId=e${n}`
    statuses.push((await fixture.server.inject({ url })).statusCode)
  }
  assert.ok(statuses.includes(404), 'the quiet partitions')
  assert.ok(statuses.includes(503), 'the partition of u1')
  fixture.sink.release()
})

test('the ends of the log are asked for once for all reads that wait', async (t) => {
  let asked = 0
  let answer: () => void = () => {}
  const fixture = await createIngestFixture({
    wrapLog: (log): Log => ({
      ...log,
      end: async (partition) => {
        asked++
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        return log.end(partition)
      },
    }),
  })
  t.after(() => fixture.close())
  await send(fixture, 'u1')
  const reads = Array.from({ length: 20 }, () =>
    fixture.server.inject({ url: `/events.json?${KEY}` }),
  )
  await until(() => asked === 1)
  answer()
  // Those that arrived while the first question was under way.
  await until(() => asked === 2)
  answer()
  for (const read of reads) assert.equal((await read).statusCode, 200)
  assert.equal(asked, 2)
})

test('one read too many is refused', async (t) => {
  const fixture = await createIngestFixture({ limits: { readTimeoutMs: 2000, waitingReadsMax: 3 } })
  t.after(() => fixture.close())
  fixture.sink.held = true
  await send(fixture, 'u1')
  const reads = [1, 2, 3].map(() => fixture.server.inject({ url: `/events.json?${KEY}` }))
  await new Promise((resolve) => setTimeout(resolve, 20))
  const fourth = await fixture.server.inject({ url: `/events.json?${KEY}` })
  assert.equal(fourth.statusCode, 503)
  assert.equal(fourth.headers['millrace-error'], 'OVERLOADED')
  assert.equal(fourth.headers['retry-after'], '1')
  fixture.sink.release()
  for (const read of reads) assert.equal((await read).statusCode, 200)
})

test('DELETE ends every event with the id and tells the truth', async (t) => {
  const fixture = await createIngestFixture({ partitions: 4 })
  t.after(() => fixture.close())
  for (const entity of ['a', 'b', 'c', 'd']) await send(fixture, entity, { eventId: 'same/id' })
  const url = `/events/same%2Fid.json?${KEY}`
  const found = await fixture.server.inject({
    method: 'DELETE',
    url,
    headers: { 'content-type': 'text/plain' },
    payload: 'ignored',
  })
  assert.equal(found.statusCode, 200)
  assert.equal(found.body, '{"message":"Found"}')
  assert.notEqual(found.headers['millrace-position'], undefined)
  const records = await fixture.records()
  const entities = records.flatMap((r) => (r.kind === 'deletion' ? [r.entityId] : []))
  assert.deepEqual(entities.sort(), ['a', 'b', 'c', 'd'])
  assert.equal((await fixture.server.inject({ url })).statusCode, 404)
  const again = await fixture.server.inject({ method: 'DELETE', url })
  assert.equal(again.statusCode, 404)
  assert.equal(again.body, '{"message":"Not Found"}')
  assert.equal(again.headers['millrace-error'], 'NOT_FOUND')
  await send(fixture, 'e', { eventId: 'same/id' })
  assert.equal((await fixture.server.inject({ url })).statusCode, 200, 'the id is used anew')
})

test('a listing of any length is the same text, streamed or not', async (t) => {
  const fixture = await createIngestFixture({ limits: { pageCharacters: 300 } })
  t.after(() => fixture.close())
  const whole = await createIngestFixture()
  t.after(() => whole.close())
  for (let n = 0; n < 30; n++) {
    const more = { eventId: `id${n}`, eventTime: `2020-01-01T00:00:${10 + n}Z` }
    await send(fixture, `u${n % 3}`, more)
  }
  for (const limit of [1, 2, 3, 29, 30, 31, -1, -5]) {
    const reply = await fixture.server.inject({ url: `/events.json?${KEY}&limit=${limit}` })
    assert.equal(reply.statusCode, 200)
    assert.equal(reply.headers['content-type'], 'application/json')
    const ids = reply.json<{ eventId: string }[]>().map((event) => event.eventId)
    const expected = Array.from(
      { length: limit < 0 ? 30 : Math.min(limit, 30) },
      (_, n) => `id${n}`,
    )
    assert.deepEqual(ids, expected)
  }
  const byDefault = await fixture.server.inject({ url: `/events.json?${KEY}` })
  assert.equal(byDefault.json<unknown[]>().length, 20)
})

test('wrong parameters of a listing are refused with 400', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const table: [string, string][] = [
    [
      'limit=abc',
      "The query parameter 'limit' was malformed:\n'abc' is not a valid 32-bit signed integer value",
    ],
    [
      'limit=2147483648',
      "The query parameter 'limit' was malformed:\n'2147483648' is not a valid 32-bit signed integer value",
    ],
    [
      'reversed=maybe',
      "The query parameter 'reversed' was malformed:\n'maybe' is not a valid Boolean value",
    ],
    ['startTime=abc', '{"message":"Invalid format: \\"abc\\""}'],
    [
      'startTime=abc&limit=x',
      "The query parameter 'limit' was malformed:\n'x' is not a valid 32-bit signed integer value",
    ],
    [
      'reversed=true&entityId=u',
      '{"message":"requirement failed: the parameter reversed can only be used with both entityType and entityId specified."}',
    ],
    [
      'entityId=%zz',
      '{"message":"Illegal query: a percent sign is not followed by the code of a character"}',
    ],
  ]
  for (const [query, body] of table) {
    const reply = await fixture.server.inject({ url: `/events.json?${KEY}&${query}` })
    assert.equal(reply.statusCode, 400, query)
    assert.equal(reply.headers['millrace-error'], 'PARAMETER_INVALID', query)
    assert.equal(reply.body, body, query)
  }
})

/** A store whose listing gives events for as long as it is asked, or fails after some. */
function endless(store: EventStore, failAfter: number): { store: EventStore; closed: number } {
  const counted = {
    closed: 0,
    store: {
      ...store,
      async *find(filter: FindFilter) {
        try {
          for (let n = 0; n < failAfter; n++) {
            for await (const event of store.find({ ...filter, limit: 1 })) yield event
          }
          throw new MillraceError('STORE_FAILED', { reason: 'torn' })
        } finally {
          counted.closed++
        }
      },
    },
  }
  return counted
}

test('HEAD does not read a listing to its end', async (t) => {
  const counted: { closed: number }[] = []
  const fixture = await createIngestFixture({
    wrapStore: (store) => {
      const wrapped = endless(store, Number.POSITIVE_INFINITY)
      counted.push(wrapped)
      return wrapped.store
    },
  })
  t.after(() => fixture.close())
  await send(fixture, 'u1')
  const reply = await fixture.server.inject({
    method: 'HEAD',
    url: `/events.json?${KEY}&limit=-1`,
  })
  assert.equal(reply.statusCode, 200)
  assert.equal(reply.body, '')
  await until(() => counted[0]?.closed === 1)
})

test('a client that goes away ends the listing', async (t) => {
  const counted: { closed: number }[] = []
  const fixture = await createIngestFixture({
    wrapStore: (store) => {
      const wrapped = endless(store, Number.POSITIVE_INFINITY)
      counted.push(wrapped)
      return wrapped.store
    },
  })
  t.after(() => fixture.close())
  await send(fixture, 'u1')
  const address = await fixture.server.listen({ host: '127.0.0.1', port: 0 })
  const leave = new AbortController()
  const reply = await fetch(`${address}/events.json?${KEY}&limit=-1`, { signal: leave.signal })
  const reader = reply.body?.getReader()
  for (let n = 0; n < 5; n++) await reader?.read()
  assert.equal(counted[0]?.closed, 0)
  leave.abort()
  await until(() => counted[0]?.closed === 1)
})

test('a store that fails gives 500, or a body that ends early when it is out already', async (t) => {
  const lines: string[] = []
  const failing = async (after: number): Promise<string> => {
    const fixture = await createIngestFixture({
      telemetry: { emit: () => {}, log: (_level, event) => lines.push(event) },
      wrapStore: (store) => endless(store, after).store,
    })
    t.after(() => fixture.close())
    await send(fixture, 'u1')
    return `${await fixture.server.listen({ host: '127.0.0.1', port: 0 })}/events.json?${KEY}`
  }
  const early = await fetch(await failing(3))
  assert.equal(early.status, 500)
  assert.equal(early.headers.get('millrace-error'), 'STORE_FAILED')
  assert.equal(await early.text(), '{"message":"The event store failed: torn"}')
  const late = await fetch(await failing(2000))
  assert.equal(late.status, 200)
  await assert.rejects(late.text())
  assert.deepEqual(lines, ['ingest-listing-broken'])
})
