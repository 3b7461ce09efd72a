// The query server over in-memory ports: routes, engines, versions, refusals, limits and metrics.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MetricName, Telemetry } from '#ports/telemetry'
import { createServingFixture } from '../support/serving-fixture.ts'
import { SHOP_MODEL, SHOP_VARIANT, serveShop } from '../support/serving-shop.ts'
import { did, variantOf } from '../support/training.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('routes', () => {
  test('GET / says that the role is ready', async (t) => {
    const { server } = await serveShop(t)
    const reply = await server.inject('/')
    assert.deepEqual([reply.statusCode, reply.json()], [200, { status: 'alive' }])
  })

  test('an engine by its id, and the default one', async (t) => {
    const fixture = await serveShop(t)
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
    const fixture = await serveShop(t)
    await fixture.register('second', SHOP_VARIANT)
    await fixture.activate('second', 'other', SHOP_MODEL)
    assert.equal((await fixture.query({})).headers['millrace-version'], 'v1')
    await fixture.change({ type: 'default-engine-set', engineId: 'second' })
    assert.equal((await fixture.query({})).headers['millrace-version'], 'other')
  })

  test('any Content-Type, and none, is read as JSON', async (t) => {
    const { server } = await serveShop(t)
    for (const headers of [{}, { 'content-type': 'text/plain' }, { 'content-type': 'x/y; z=1' }]) {
      const payload = '{"user": "u" "num": 1}'
      const reply = await server.inject({ method: 'POST', url: '/queries.json', headers, payload })
      assert.equal(reply.statusCode, 200, reply.payload)
      assert.equal(reply.json().itemScores.length, 1)
    }
  })

  test('another path', async (t) => {
    const fixture = await serveShop(t)
    const reply = await fixture.server.inject('/nothing?x=1')
    assert.equal(reply.statusCode, 404)
    assert.equal(reply.headers['millrace-error'], 'NOT_FOUND')
    assert.equal(reply.json().message, 'GET /nothing was not found.')
    for (const path of ['/engines/%zz/queries.json', `/engines/${'x'.repeat(4000)}/queries.json`]) {
      const { status, json } = await fixture.query({}, { path })
      assert.deepEqual([status, json.code], [404, 'NOT_FOUND'])
    }
  })
})

describe('engines that cannot answer', () => {
  test('none is registered', async (t) => {
    const fixture = await createServingFixture()
    t.after(() => fixture.close())
    const { status, json } = await fixture.query({})
    assert.equal(status, 404)
    assert.equal(json.code, 'ENGINE_NOT_FOUND')
    assert.equal(json.message, 'There is no engine to answer by default.')
  })

  test('an unknown id', async (t) => {
    const fixture = await serveShop(t)
    const { status, headers, json } = await fixture.query({}, { path: '/engines/x/queries.json' })
    assert.deepEqual(
      [status, headers['millrace-error'], json.message],
      [404, 'ENGINE_NOT_FOUND', 'There is no engine x.'],
    )
  })

  test('one that was never trained', async (t) => {
    const fixture = await serveShop(t)
    await fixture.register('new', SHOP_VARIANT)
    const { status, json } = await fixture.query({}, { path: '/engines/new/queries.json' })
    assert.deepEqual([status, json.code], [404, 'ENGINE_NOT_TRAINED'])
  })

  test('one whose version the index does not hold', async (t) => {
    const fixture = await serveShop(t)
    await fixture.index.retire('shop', 'v1')
    const { status, headers, json } = await fixture.query({})
    assert.deepEqual([status, json.code], [503, 'INDEX_VERSION_UNKNOWN'])
    assert.equal(headers['retry-after'], '1')
  })
})

describe('changes of an engine hold at once', () => {
  test('a new revision changes what a query takes by default', async (t) => {
    const fixture = await serveShop(t)
    await fixture.register('shop', variantOf({ indicators: [{ name: 'buy' }], num: 1 }))
    assert.deepEqual((await fixture.query({ user: 'u' })).items, ['b'])
  })

  test('but not what the model was made with', async (t) => {
    const fixture = await serveShop(t)
    await fixture.register(
      'shop',
      variantOf({ indicators: [{ name: 'view' }], blacklistEvents: [] }),
    )
    await fixture.tell([did('u', 'view', 'c')])
    assert.deepEqual((await fixture.query({ user: 'u' })).items, ['b', 'c', 'a'])
  })

  test('the next version answers the next query', async (t) => {
    const fixture = await serveShop(t)
    await fixture.query({})
    await fixture.activate('shop', 'v2', SHOP_MODEL)
    assert.equal((await fixture.query({})).headers['millrace-version'], 'v2')
  })

  test('a version that is retired under a query: the new one takes it', async (t) => {
    let fail: (() => Promise<void>) | null = null
    const fixture = await serveShop(t, {
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
      await fixture.activate('shop', 'v2', SHOP_MODEL)
      await fixture.index.retire('shop', 'v1')
    }
    const { status, headers } = await fixture.query({ user: 'u' })
    assert.deepEqual([status, headers['millrace-version']], [200, 'v2'])
  })

  test('a removed engine is gone', async (t) => {
    const fixture = await serveShop(t)
    await fixture.query({})
    await fixture.change({ type: 'engine-removed', engineId: 'shop' })
    assert.equal((await fixture.query({})).json.code, 'ENGINE_NOT_FOUND')
  })
})

describe('queries that are refused', () => {
  test('no JSON', async (t) => {
    const fixture = await serveShop(t)
    for (const body of ['', '{"user": ', '"user"', 'user=u']) {
      const { status, headers, json } = await fixture.query(body)
      assert.deepEqual([status, json.code], [400, 'QUERY_INVALID'], body)
      assert.equal(headers['millrace-error'], 'QUERY_INVALID')
    }
  })

  test('a wrong member: the message names it', async (t) => {
    const fixture = await serveShop(t)
    const { status, json } = await fixture.query({ num: 'many' })
    assert.equal(status, 400)
    assert.equal(json.message, 'The query is wrong: num is "many"; a number is expected')
  })

  test('a body beyond the limit', async (t) => {
    const fixture = await serveShop(t, { limits: { bodyBytesMax: 100 } })
    const fits = JSON.stringify({ user: 'x'.repeat(89) })
    assert.equal(fits.length, 100)
    assert.equal((await fixture.query(fits)).status, 200)
    const { status, json } = await fixture.query(`${fits} `)
    assert.deepEqual([status, json.code], [400, 'BODY_TOO_LARGE'])
  })

  test('unknown members are named in a header, whatever is in them', async (t) => {
    const fixture = await serveShop(t)
    const { status, headers } = await fixture.query({ usr: 'u', 'a\r\nset-cookie: é': 1 })
    assert.equal(status, 200)
    assert.match(
      String(headers['millrace-warning']),
      /^usr is ignored \(did you mean user\?\), a\?\?set-cookie: \? is ignored/,
    )
  })

  test('event names that the engine does not use are named too', async (t) => {
    const fixture = await serveShop(t)
    const { headers } = await fixture.query({ user: 'u', eventNames: ['buy', 'byu'] })
    assert.equal(headers['millrace-warning'], 'eventNames: byu is no indicator of this engine')
  })
})

test('queries in flight are limited by exact count', async (t) => {
  let release: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const fixture = await serveShop(t, {
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
  const fixture = await serveShop(t, { telemetry, limits: { budgetMs: 10 } })
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
