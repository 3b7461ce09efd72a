// What a query waits for, and what its answer says when that is late or missing.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { EventStore } from '#ports/event-store'
import type { Telemetry } from '#ports/telemetry'
import { createManualClock } from '../support/memory/clock.ts'
import { serveShop } from '../support/serving-shop.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('read your writes', () => {
  const headers = { 'millrace-position': '0/0/0' }

  test('an applied position is answered at once', async (t) => {
    const fixture = await serveShop(t)
    const { status, headers: found } = await fixture.query({ user: 'u' }, { headers })
    assert.deepEqual([status, found['millrace-degraded']], [200, undefined])
  })

  test('a query waits for store and index', async (t) => {
    const fixture = await serveShop(t, { limits: { budgetMs: 10_000 } })
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
    // A quarter of it is left for the history.
    const fixture = await serveShop(t, { limits: { budgetMs: 400 } })
    fixture.watermarks.held.add('index')
    const { status, headers: found, items } = await fixture.query({ user: 'u' }, { headers })
    assert.deepEqual([status, found['millrace-degraded'], items], [200, 'fresh', ['b', 'c']])
  })

  test('a malformed position', async (t) => {
    const fixture = await serveShop(t)
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
    const fixture = await serveShop(t, { clock, wrapStore: withHistory(() => never) })
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
    const fixture = await serveShop(t, { telemetry, wrapStore: withHistory(failing) })
    const { status, headers } = await fixture.query({ user: 'u' })
    assert.deepEqual([status, headers['millrace-degraded']], [200, 'history'])
    assert.deepEqual(logged, ['query-history-failed'])
  })

  test('what the index lacks is passed on', async (t) => {
    const fixture = await serveShop(t, {
      wrapIndex: (index) => ({
        ...index,
        search: async (...args) => ({ ...(await index.search(...args)), degraded: ['shards'] }),
      }),
    })
    assert.equal((await fixture.query({})).headers['millrace-degraded'], 'shards')
  })

  test('without the index an answer is empty and says so, until it is back', async (t) => {
    let away = true
    const gone = (): void => {
      if (away) throw new MillraceError('INDEX_UNAVAILABLE', { reason: 'connect ECONNREFUSED' })
    }
    const fixture = await serveShop(t, {
      wrapIndex: (index) => ({
        ...index,
        search: async (...args) => {
          gone()
          return index.search(...args)
        },
        lists: async (...args) => {
          gone()
          return index.lists(...args)
        },
      }),
    })
    for (const query of [{ user: 'u' }, { item: 'b', explain: true }]) {
      const { status, headers, items } = await fixture.query(query)
      assert.deepEqual([status, headers['millrace-degraded'], items], [200, 'index', []])
    }
    away = false
    const { headers, items } = await fixture.query({ user: 'u' })
    assert.deepEqual([headers['millrace-degraded'], items], [undefined, ['b', 'c']])
  })

  test('a fault inside is a 500 with a code, and the next query is answered', async (t) => {
    let broken = true
    const fixture = await serveShop(t, {
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
