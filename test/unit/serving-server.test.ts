// The query server over in-memory ports: routes, keys, errors, headers, limits and what happens when a port is slow.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { EventStore } from '#ports/event-store'
import type { MetricName, Telemetry } from '#ports/telemetry'
import type { JsonObject } from '#schemas/json'
import { makeModel } from '../support/item-index-fixture.ts'
import { createManualClock } from '../support/memory/clock.ts'
import {
  APP_KEY,
  createServingFixture,
  OTHER_APP,
  OTHER_KEY,
  type ServingFixture,
  type ServingFixtureOptions,
} from '../support/serving-fixture.ts'
import { did, variantOf } from '../support/training.ts'

const MODEL = makeModel({
  items: ['a', 'b', 'c'],
  lists: { buy: { b: { a: 2 }, c: { a: 1 } } },
  rankings: { popRank: { a: 3, b: 2, c: 1 } },
})
const VARIANT = variantOf({ indicators: [{ name: 'buy' }] })

/** A server with the trained engine `shop`, the first registered. */
async function serving(
  t: TestContext,
  options: ServingFixtureOptions = {},
  variant: JsonObject = VARIANT,
): Promise<ServingFixture> {
  const fixture = createServingFixture(options)
  t.after(() => fixture.close())
  fixture.register('shop', variant)
  await fixture.activate('shop', 'v1', MODEL)
  await fixture.tell([did('u', 'buy', 'a')])
  return fixture
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('routes', () => {
  test('GET / says that the role is ready', async (t) => {
    const { server } = await serving(t)
    const reply = await server.inject('/')
    assert.deepEqual([reply.statusCode, reply.json()], [200, { status: 'alive' }])
  })

  test('an engine by its id, and the default one', async (t) => {
    const fixture = await serving(t)
    const byId = await fixture.query({ user: 'u' }, { path: '/engines/shop/queries.json' })
    const byDefault = await fixture.query({ user: 'u' })
    assert.deepEqual(byId.items, ['b', 'c'])
    assert.equal(byId.text, byDefault.text)
    assert.equal(byId.headers['content-type'], 'application/json')
    assert.equal(byId.headers['millrace-version'], 'v1')
    assert.equal(byId.headers['millrace-degraded'], undefined)
    assert.equal(byId.headers['millrace-warning'], undefined)
  })

  test('the default engine is the one named, else the first registered', async (t) => {
    const fixture = await serving(t)
    fixture.register('second', VARIANT)
    await fixture.activate('second', 'other', MODEL)
    assert.equal((await fixture.query({})).headers['millrace-version'], 'v1')
    fixture.directory.change({ type: 'default-engine-set', engineId: 'second' })
    assert.equal((await fixture.query({})).headers['millrace-version'], 'other')
  })

  test('any Content-Type, and none, is read as JSON', async (t) => {
    const { server } = await serving(t)
    for (const headers of [{}, { 'content-type': 'text/plain' }, { 'content-type': 'x/y; z=1' }]) {
      const payload = '{"user": "u" "num": 1}'
      const reply = await server.inject({ method: 'POST', url: '/queries.json', headers, payload })
      assert.equal(reply.statusCode, 200, reply.payload)
      assert.equal(reply.json().itemScores.length, 1)
    }
  })

  test('another path', async (t) => {
    const { server } = await serving(t)
    const reply = await server.inject('/nothing?x=1')
    assert.equal(reply.statusCode, 404)
    assert.equal(reply.headers['millrace-error'], 'NOT_FOUND')
    assert.equal(reply.json().message, 'GET /nothing was not found.')
  })
})

describe('engines that cannot answer', () => {
  test('none is registered', async (t) => {
    const fixture = createServingFixture()
    t.after(() => fixture.close())
    const { status, json } = await fixture.query({})
    assert.equal(status, 404)
    assert.equal(json.code, 'ENGINE_NOT_FOUND')
    assert.equal(json.message, 'There is no engine to answer by default.')
  })

  test('an unknown id', async (t) => {
    const fixture = await serving(t)
    const { status, headers, json } = await fixture.query({}, { path: '/engines/x/queries.json' })
    assert.deepEqual(
      [status, headers['millrace-error'], json.message],
      [404, 'ENGINE_NOT_FOUND', 'There is no engine x.'],
    )
  })

  test('one that was never trained', async (t) => {
    const fixture = await serving(t)
    fixture.register('new', VARIANT)
    const { status, json } = await fixture.query({}, { path: '/engines/new/queries.json' })
    assert.deepEqual([status, json.code], [404, 'ENGINE_NOT_TRAINED'])
  })

  test('one whose version the index does not hold', async (t) => {
    const fixture = await serving(t)
    await fixture.index.retire('shop', 'v1')
    const { status, headers, json } = await fixture.query({})
    assert.deepEqual([status, json.code], [503, 'INDEX_VERSION_UNKNOWN'])
    assert.equal(headers['retry-after'], '1')
  })
})

describe('changes of an engine hold at once', () => {
  test('a new revision changes what a query takes by default', async (t) => {
    const fixture = await serving(t)
    fixture.register('shop', variantOf({ indicators: [{ name: 'buy' }], num: 1 }))
    assert.deepEqual((await fixture.query({ user: 'u' })).items, ['b'])
  })

  test('but not what the model was made with', async (t) => {
    const fixture = await serving(t)
    fixture.register('shop', variantOf({ indicators: [{ name: 'view' }], blacklistEvents: [] }))
    await fixture.tell([did('u', 'view', 'c')])
    assert.deepEqual((await fixture.query({ user: 'u' })).items, ['b', 'c', 'a'])
  })

  test('the next version answers the next query', async (t) => {
    const fixture = await serving(t)
    await fixture.query({})
    await fixture.activate('shop', 'v2', MODEL)
    assert.equal((await fixture.query({})).headers['millrace-version'], 'v2')
  })

  test('a version that is retired under a query: the new one takes it', async (t) => {
    let fail: (() => Promise<void>) | null = null
    const fixture = await serving(t, {
      wrapIndex: (index) => ({
        ...index,
        async search(engineId, versionId, query) {
          const run = fail
          fail = null
          await run?.()
          return index.search(engineId, versionId, query)
        },
      }),
    })
    fail = async () => {
      await fixture.activate('shop', 'v2', MODEL)
      await fixture.index.retire('shop', 'v1')
    }
    const { status, headers } = await fixture.query({ user: 'u' })
    assert.deepEqual([status, headers['millrace-version']], [200, 'v2'])
  })

  test('a removed engine is gone', async (t) => {
    const fixture = await serving(t)
    await fixture.query({})
    fixture.directory.change({ type: 'engine-removed', engineId: 'shop' })
    assert.equal((await fixture.query({})).json.code, 'ENGINE_NOT_FOUND')
  })
})

describe('queries that are refused', () => {
  test('no JSON', async (t) => {
    const fixture = await serving(t)
    for (const body of ['', '{"user": ', '"user"', 'user=u']) {
      const { status, headers, json } = await fixture.query(body)
      assert.deepEqual([status, json.code], [400, 'QUERY_INVALID'], body)
      assert.equal(headers['millrace-error'], 'QUERY_INVALID')
    }
  })

  test('a wrong member: the message names it', async (t) => {
    const fixture = await serving(t)
    const { status, json } = await fixture.query({ num: 'many' })
    assert.equal(status, 400)
    assert.equal(json.message, 'The query is wrong: num is "many"; a number is expected')
  })

  test('a body beyond the limit', async (t) => {
    const fixture = await serving(t, { limits: { bodyBytesMax: 100 } })
    const fits = JSON.stringify({ user: 'x'.repeat(89) })
    assert.equal(fits.length, 100)
    assert.equal((await fixture.query(fits)).status, 200)
    const { status, json } = await fixture.query(`${fits} `)
    assert.deepEqual([status, json.code], [400, 'BODY_TOO_LARGE'])
  })

  test('unknown members are named in a header, whatever is in them', async (t) => {
    const fixture = await serving(t)
    const { status, headers } = await fixture.query({ usr: 'u', 'a\r\nset-cookie: é': 1 })
    assert.equal(status, 200)
    assert.match(
      String(headers['millrace-warning']),
      /^usr is ignored \(did you mean user\?\), a\?\?set-cookie: \? is ignored/,
    )
  })

  test('event names that the engine does not use are named too', async (t) => {
    const fixture = await serving(t)
    const { headers } = await fixture.query({ user: 'u', eventNames: ['buy', 'byu'] })
    assert.equal(headers['millrace-warning'], 'eventNames: byu is no indicator of this engine')
  })
})

describe('keys', () => {
  const remoteAddress = '192.0.2.7'
  const basic = (key: string) => ({
    authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
  })

  test('none is needed on the loopback address', async (t) => {
    const fixture = await serving(t)
    for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) {
      assert.equal((await fixture.query({}, { remoteAddress: address })).status, 200, address)
    }
  })

  test('elsewhere a key of the app, in the address or as Basic user', async (t) => {
    const fixture = await serving(t)
    const missing = await fixture.query({}, { remoteAddress })
    assert.deepEqual([missing.status, missing.json.code], [401, 'ACCESS_KEY_MISSING'])
    const wrong = await fixture.query({}, { remoteAddress, headers: basic('guessed') })
    assert.deepEqual([wrong.status, wrong.json.code], [401, 'ACCESS_KEY_INVALID'])
    const path = `/queries.json?accessKey=${APP_KEY}`
    assert.equal((await fixture.query({}, { remoteAddress, path })).status, 200)
    const headers = basic(APP_KEY)
    assert.equal((await fixture.query({}, { remoteAddress, headers })).status, 200)
  })

  test('a proxy on this machine does not make its callers local', async (t) => {
    const fixture = await serving(t)
    const headers = { 'x-forwarded-for': '192.0.2.7' }
    assert.equal((await fixture.query({}, { headers })).status, 401)
  })

  test('a key of another app sees no engine of this one', async (t) => {
    const fixture = await serving(t)
    const headers = basic(OTHER_KEY)
    for (const path of ['/queries.json', '/engines/shop/queries.json']) {
      const { status, json } = await fixture.query({}, { remoteAddress, headers, path })
      assert.deepEqual([status, json.code], [404, 'ENGINE_NOT_FOUND'])
    }
    fixture.register('theirs', VARIANT, OTHER_APP)
    await fixture.activate('theirs', 'their-v1', MODEL)
    const own = await fixture.query({}, { remoteAddress, headers })
    assert.equal(own.headers['millrace-version'], 'their-v1')
  })

  test('a deleted key is refused from then on', async (t) => {
    const fixture = await serving(t)
    const headers = basic(APP_KEY)
    assert.equal((await fixture.query({}, { remoteAddress, headers })).status, 200)
    fixture.directory.change({ type: 'key-deleted', hash: APP_KEY })
    assert.equal((await fixture.query({}, { remoteAddress, headers })).status, 401)
  })

  test('serving.open asks nobody', async (t) => {
    const fixture = await serving(t, { open: true })
    assert.equal((await fixture.query({}, { remoteAddress })).status, 200)
  })
})

describe('read your writes', () => {
  const headers = { 'millrace-position': '0/0/0' }

  test('an applied position is answered at once', async (t) => {
    const fixture = await serving(t)
    const { status, headers: found } = await fixture.query({ user: 'u' }, { headers })
    assert.deepEqual([status, found['millrace-degraded']], [200, undefined])
  })

  test('a query waits for store and index', async (t) => {
    const fixture = await serving(t, { limits: { budgetMs: 10_000 } })
    for (const sink of ['store', 'index'] as const) {
      fixture.watermarks.held.add(sink)
      let answered = false
      const answer = fixture.query({ user: 'u' }, { headers }).then((reply) => {
        answered = true
        return reply
      })
      await settle()
      await settle()
      assert.equal(answered, false)
      fixture.watermarks.release()
      assert.equal((await answer).headers['millrace-degraded'], undefined)
    }
  })

  test('but not for ever: then the answer says that it may be stale', async (t) => {
    const fixture = await serving(t, { limits: { budgetMs: 20 } })
    fixture.watermarks.held.add('index')
    const { status, headers: found, items } = await fixture.query({ user: 'u' }, { headers })
    assert.deepEqual([status, found['millrace-degraded'], items], [200, 'fresh', ['b', 'c']])
  })

  test('a malformed position', async (t) => {
    const fixture = await serving(t)
    const { status, json } = await fixture.query({}, { headers: { 'millrace-position': '7' } })
    assert.deepEqual([status, json.code], [400, 'PARAMETER_INVALID'])
    assert.match(String(json.message), /millrace-position/)
  })
})

describe('slow and failing ports', () => {
  const withHistory =
    (history: EventStore['history']) =>
    (store: EventStore): EventStore => ({ ...store, history })

  test('a history that takes too long is left out, and the answer says so', async (t) => {
    const clock = createManualClock()
    const never = new Promise<never>(() => {})
    const fixture = await serving(t, { clock, wrapStore: withHistory(() => never) })
    const answer = fixture.query({ user: 'u', explain: true })
    for (let i = 0; i < 30; i++) {
      await settle()
      clock.advance(10)
    }
    const { status, headers, items, json } = await answer
    assert.deepEqual([status, headers['millrace-degraded']], [200, 'history'])
    assert.deepEqual(items, ['a', 'b', 'c'])
    const why = json.itemScores[0]?.explanation?.backfill?.why
    assert.match(String(why), /^The history could not be read in time/)
  })

  test('a history that cannot be read likewise, and it is logged', async (t) => {
    const logged: string[] = []
    const telemetry: Telemetry = { emit: () => {}, log: (_level, name) => logged.push(name) }
    const failing = async (): Promise<never> => {
      throw new Error('disk on fire')
    }
    const fixture = await serving(t, { telemetry, wrapStore: withHistory(failing) })
    const { status, headers } = await fixture.query({ user: 'u' })
    assert.deepEqual([status, headers['millrace-degraded']], [200, 'history'])
    assert.deepEqual(logged, ['query-history-failed'])
  })

  test('what the index lacks is passed on', async (t) => {
    const fixture = await serving(t, {
      wrapIndex: (index) => ({
        ...index,
        search: async (...args) => ({ ...(await index.search(...args)), degraded: ['shards'] }),
      }),
    })
    assert.equal((await fixture.query({})).headers['millrace-degraded'], 'shards')
  })

  test('a fault inside is a 500 with a code, and the next query is answered', async (t) => {
    let broken = true
    const fixture = await serving(t, {
      wrapIndex: (index) => ({
        ...index,
        async search(...args) {
          if (broken) throw new TypeError('x is undefined')
          return index.search(...args)
        },
      }),
    })
    const { status, json } = await fixture.query({})
    assert.deepEqual([status, json.code], [500, 'INTERNAL'])
    broken = false
    assert.equal((await fixture.query({})).status, 200)
  })
})

test('queries in flight are limited by exact count', async (t) => {
  let release: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const fixture = await serving(t, {
    limits: { inFlightMax: 3 },
    wrapIndex: (index) => ({
      ...index,
      async search(...args) {
        await gate
        return index.search(...args)
      },
    }),
  })
  const waiting = [1, 2, 3].map(() => fixture.query({}))
  await settle()
  await settle()
  const { status, headers, json } = await fixture.query({})
  assert.deepEqual([status, json.code, headers['retry-after']], [503, 'QUERY_OVERLOADED', '1'])
  release()
  assert.deepEqual(
    (await Promise.all(waiting)).map((reply) => reply.status),
    [200, 200, 200],
  )
  assert.equal((await fixture.query({})).status, 200)
})

test('metrics: queries by status, their time, and what answers lacked', async (t) => {
  const emitted: [MetricName, object][] = []
  const telemetry: Telemetry = {
    emit: (metric, _value, labels) => emitted.push([metric, labels]),
    log: () => {},
  }
  const fixture = await serving(t, { telemetry, limits: { budgetMs: 10 } })
  fixture.watermarks.held.add('store')
  await fixture.query({}, { headers: { 'millrace-position': '0/0/0' } })
  await fixture.query({}, { path: '/engines/made-up/queries.json' })
  assert.deepEqual(emitted, [
    ['millrace_query_degraded_total', { engine: 'shop', lack: 'fresh' }],
    ['millrace_queries_total', { engine: 'shop', status: '200' }],
    ['millrace_query_ms', { engine: 'shop' }],
    ['millrace_queries_total', { engine: 'none', status: '404' }],
  ])
})
