// Events that a client adds to a query: they count as if they were stored, in this answer only.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'
import {
  createHistoryReading,
  JUST_NOW,
  mergedHistory,
} from '../../serving/engines/universal/history.ts'
import { makeModel } from '../support/item-index-fixture.ts'
import { createServingFixture, type ServingFixture } from '../support/serving-fixture.ts'
import { did, variantOf } from '../support/training.ts'

/** Bought a: c is near, d less so. Seen e: d is near. Nothing points to p, which is popular. */
const MODEL = makeModel({
  items: ['a', 'b', 'c', 'd', 'e', 'p'],
  lists: { buy: { c: { a: 2 }, d: { a: 1 }, b: { c: 1 } }, view: { d: { e: 0.5 } } },
  rankings: { popRank: { p: 60, a: 5, b: 2, c: 1, d: 1, e: 1 } },
})

async function shop(t: TestContext, params: JsonObject = {}): Promise<ServingFixture> {
  const fixture = await createServingFixture()
  t.after(() => fixture.close())
  const indicators = [{ name: 'buy' }, { name: 'view' }]
  await fixture.register('shop', variantOf({ indicators, ...params }))
  await fixture.activate('shop', 'v1', MODEL)
  await fixture.tell([did('u', 'view', 'e', 1)])
  return fixture
}

const DAY = 86_400_000

const bought = (item: string): JsonObject => ({ event: 'buy', item })

test('a session without a user gets personal results, and what it bought is left out', async (t) => {
  const fixture = await shop(t)
  const { items, headers } = await fixture.query({ history: [bought('a')] })
  assert.deepEqual(items, ['c', 'd', 'p', 'b', 'e'])
  assert.equal(headers['millrace-warning'], undefined)
  assert.equal((await fixture.query({})).items[0], 'p')
})

test('global too', async (t) => {
  const { items } = await (await shop(t, { scoring: 'global' })).query({ history: [bought('c')] })
  assert.deepEqual(items.slice(0, 2), ['b', 'p'])
})

test('beside the stored history of a user, and in this answer only', async (t) => {
  const fixture = await shop(t)
  const together = await fixture.query({ user: 'u', history: [bought('a')] })
  assert.deepEqual(together.items.slice(0, 2), ['c', 'd'])
  assert.ok(Math.abs((together.json.itemScores[1]?.score ?? 0) - 1.5) < 1e-5)
  assert.deepEqual((await fixture.query({ user: 'u' })).items.slice(0, 2), ['d', 'p'])
})

test('explanations name them, with the time that the client gave', async (t) => {
  const fixture = await shop(t)
  const ask = async (event: JsonObject) => {
    const { json } = await fixture.query({ history: [event], explain: true })
    return json.itemScores.find(({ item }) => item === 'c')?.explanation?.evidence
  }
  const found = { indicator: 'buy', id: 'a', weight: 2, source: 'user' }
  assert.deepEqual(await ask(bought('a')), [found])
  assert.deepEqual(await ask({ ...bought('a'), eventTime: '2025-02-03T04:05:06Z' }), [
    { ...found, eventTime: '2025-02-03T04:05:06.000Z' },
  ])
  const { json } = await fixture.query({ history: [bought('zzz')], explain: true, eventNames: [] })
  assert.match(
    String(json.itemScores[0]?.explanation?.backfill?.why),
    /^The history in the query is no evidence/,
  )
})

test('blacklist events and eventNames hold for them', async (t) => {
  const fixture = await shop(t, { blacklistEvents: ['view', 'hide'] })
  const history = [bought('a'), { event: 'view', item: 'c' }, { event: 'hide', item: 'p' }]
  assert.deepEqual((await fixture.query({ history })).items, ['d', 'a', 'b', 'e'])
  const views = await fixture.query({ history, eventNames: ['view'] })
  assert.deepEqual(views.items, ['a', 'b', 'd', 'e'])
})

test('an event that the engine does not know is named in a warning', async (t) => {
  const { headers, status } = await (await shop(t)).query({
    history: [{ event: 'like', item: 'a' }, bought('a'), { event: 'like', item: 'b' }],
  })
  assert.equal(status, 200)
  assert.equal(headers['millrace-warning'], 'history: like is no indicator of this engine')
})

describe('aliases of an indicator', () => {
  const indicators = [{ name: 'buy', aliases: ['purchase'] }]

  test('are its events: stored, in the query, and on the blacklist', async (t) => {
    const fixture = await shop(t, { indicators })
    await fixture.tell([did('v', 'purchase', 'a', 1)])
    assert.deepEqual((await fixture.query({ user: 'v' })).items, ['c', 'd', 'p', 'b', 'e'])
    const told = await fixture.query({ history: [{ event: 'purchase', item: 'c' }] })
    assert.deepEqual(told.items.slice(0, 2), ['b', 'p'])
    assert.equal(told.headers['millrace-warning'], undefined)
    const named = await fixture.query({ user: 'v', eventNames: ['buy'] })
    assert.equal(named.items[0], 'c')
    const { json } = await fixture.query({ user: 'v', num: 1, explain: true })
    assert.deepEqual(json.itemScores[0]?.explanation?.evidence, [
      {
        indicator: 'buy',
        id: 'a',
        weight: 2,
        source: 'user',
        eventTime: '2025-01-01T00:01:00.000Z',
      },
    ])
  })

  test('count with it: the newest of all of them', async (t) => {
    const one = [{ name: 'buy', aliases: ['purchase'], maxItemsPerUser: 1 }]
    const fixture = await shop(t, { indicators: one, blacklistEvents: [] })
    await fixture.tell([did('v', 'purchase', 'a', 1), did('v', 'buy', 'c', 2)])
    assert.equal((await fixture.query({ user: 'v' })).items[0], 'b')
    await fixture.tell([did('v', 'purchase', 'a', 3)])
    assert.equal((await fixture.query({ user: 'v' })).items[0], 'c')
  })

  test('make new items, as it does', async (t) => {
    const fixture = await shop(t, { indicators })
    await fixture.tell([did('v', 'purchase', 'new', 1)])
    assert.ok((await fixture.query({})).items.includes('new'))
  })
})

test('events before the window are no evidence, and do not blacklist', async (t) => {
  const params = variantOf({ eventNames: ['buy'] }, { eventWindow: { duration: '3 days' } })
  const reading = createHistoryReading(parseUniversal(params))
  const now = Date.UTC(2025, 0, 10)
  const at = (days: number) => ({ event: 'buy', targetEntityId: 'a', eventTime: now - days * DAY })
  const history = [{ ...at(0), eventTime: JUST_NOW }, at(2.9), at(3), at(3.1)]
  assert.deepEqual(reading(history, now), history.slice(0, 3))
  const fixture = await createServingFixture()
  t.after(() => fixture.close())
  await fixture.register('shop', params)
  await fixture.activate('shop', 'v1', MODEL)
  await fixture.tell([did('u', 'buy', 'a', 1)])
  assert.deepEqual((await fixture.query({ user: 'u', num: 2 })).items, ['p', 'a'])
})

test('removeDuplicates: of old too the newest N ids count, not events', async (t) => {
  const repeated = [did('v', 'buy', 'a', 1), ...[2, 3, 4].map((n) => did('v', 'buy', 'e', n))]
  const first = async (removeDuplicates: boolean) => {
    const fixture = await createServingFixture()
    t.after(() => fixture.close())
    const params = { scoring: 'global', indicators: [{ name: 'buy', maxItemsPerUser: 2 }] }
    await fixture.register('shop', variantOf(params, { eventWindow: { removeDuplicates } }))
    await fixture.activate('shop', 'v1', MODEL)
    await fixture.tell(repeated)
    return (await fixture.query({ user: 'v' })).items[0]
  }
  assert.deepEqual([await first(false), await first(true)], ['p', 'c'])
})

test('merged newest first: those without a time, then by time, those of the query before stored ones', () => {
  const stored = [5, 3, 1].map((eventTime) => ({ event: 'buy', targetEntityId: 's', eventTime }))
  const told = [3, null, 4, null].map((eventTime, i) => ({
    event: 'buy',
    item: `q${i}`,
    eventTime,
  }))
  assert.deepEqual(
    mergedHistory(stored, told).map((e) => `${e.targetEntityId}@${e.eventTime}`),
    ['q1@Infinity', 'q3@Infinity', 's@5', 'q2@4', 'q0@3', 's@3', 's@1'],
  )
  assert.equal(mergedHistory(stored, []), stored)
})

test('limits of an indicator count the newest of both', async (t) => {
  const indicators = [{ name: 'buy', maxItemsPerUser: 1 }]
  const fixture = await shop(t, { indicators, blacklistEvents: [] })
  await fixture.tell([did('u', 'buy', 'c', 5)])
  const evidence = async (eventTime: string | null) => {
    const history = [{ ...bought('a'), eventTime }]
    return (await fixture.query({ user: 'u', history })).items[0]
  }
  assert.equal(await evidence(null), 'c')
  assert.equal(await evidence('2000-01-01'), 'b')
})
