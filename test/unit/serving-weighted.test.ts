// The default scoring through the query server: personal results first, then by ranking; rules, live items, explanations.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { JsonObject } from '#schemas/json'
import { makeModel } from '../support/item-index-fixture.ts'
import {
  createServingFixture,
  type Reply,
  type ServingFixture,
  type ToldEvent,
} from '../support/serving-fixture.ts'
import { did, variantOf } from '../support/training.ts'

/** Bought a: c is near, d less so. Seen e: d is near. Nothing points to p and q, which are popular. */
const MODEL = makeModel({
  items: ['a', 'b', 'c', 'd', 'e', 'p', 'q'],
  lists: {
    buy: { c: { a: 2 }, d: { a: 1 }, b: { c: 1 } },
    view: { d: { e: 0.5 }, a: { d: 3 } },
  },
  rankings: { popRank: { p: 60, q: 30, a: 5, b: 2, c: 1, d: 1, e: 1 } },
})

const TIME = '2025-03-01T10:00:00.000Z'
const changed = (event: string, item: string, properties: JsonObject = {}): ToldEvent => ({
  event,
  entityType: 'item',
  entityId: item,
  properties,
  eventTime: TIME,
})

async function shop(t: TestContext, params: JsonObject = {}): Promise<ServingFixture> {
  const fixture = await createServingFixture()
  t.after(() => fixture.close())
  await fixture.register(
    'shop',
    variantOf({ indicators: [{ name: 'buy' }, { name: 'view' }], ...params }),
  )
  await fixture.activate('shop', 'v1', MODEL)
  await fixture.tell([did('u', 'buy', 'a', 1), did('u', 'view', 'e', 2)])
  return fixture
}

const scores = ({ json }: Reply): Record<string, number> =>
  Object.fromEntries(json.itemScores.map(({ item, score }) => [item, score]))

describe('order and score', () => {
  test('personal results come first, then the ranking; what was bought is left out', async (t) => {
    const reply = await (await shop(t)).query({ user: 'u' })
    assert.deepEqual(reply.items, ['c', 'd', 'p', 'q', 'b', 'e'])
    const { c = 0, d = 0, p = 0, q = 0 } = scores(reply)
    assert.ok(Math.abs(c - 2) < 1e-5 && Math.abs(d - 1.5) < 1e-5, reply.text)
    assert.ok(p > q && q > 0 && p < 1e-6, reply.text)
  })

  test('an event of the user changes the next answer', async (t) => {
    const fixture = await shop(t)
    assert.deepEqual((await fixture.query({ user: 'new' })).items.slice(0, 2), ['p', 'q'])
    await fixture.tell([did('new', 'buy', 'c')])
    assert.deepEqual((await fixture.query({ user: 'new' })).items.slice(0, 2), ['b', 'p'])
  })

  test('an item’s own lists stand in for a history, and it is not returned itself', async (t) => {
    const reply = await (await shop(t)).query({ item: 'c', num: 3 })
    assert.deepEqual(reply.items, ['d', 'p', 'q'])
    assert.ok(Math.abs((scores(reply).d ?? 0) - 1) < 1e-5)
  })

  test('an item set is a history of purchases', async (t) => {
    const reply = await (await shop(t)).query({ itemSet: ['a', 'c'], num: 3 })
    // Both count 1; b is the more popular.
    assert.deepEqual(reply.items, ['b', 'd', 'p'])
  })

  test('from and num cut pages out of one order', async (t) => {
    const fixture = await shop(t)
    const pages = [0, 2, 4, 6].map((from) => fixture.query({ user: 'u', from, num: 2 }))
    const items = (await Promise.all(pages)).map((page) => page.items)
    assert.deepEqual(items, [['c', 'd'], ['p', 'q'], ['b', 'e'], []])
  })

  test('a bias of the query multiplies the evidence it belongs to', async (t) => {
    const reply = await (await shop(t)).query({ user: 'u', userBias: 10, num: 1 })
    assert.ok(Math.abs((scores(reply).c ?? 0) - 20) < 1e-4)
  })
})

describe('rules', () => {
  const TAGS: readonly ToldEvent[] = [
    changed('$set', 'c', { tag: ['old'] }),
    changed('$set', 'd', { tag: ['new', 'red'] }),
    changed('$set', 'q', { tag: ['new'] }),
  ]
  const field = (bias: number, ...values: string[]): JsonObject => ({ name: 'tag', values, bias })

  async function asked(t: TestContext, ...fields: JsonObject[]): Promise<Reply> {
    const fixture = await shop(t)
    await fixture.tell(TAGS)
    return fixture.query({ user: 'u', fields })
  }

  test('a positive bias multiplies, once a rule', async (t) => {
    const reply = await asked(t, field(2, 'new', 'red'))
    assert.deepEqual(reply.items.slice(0, 4), ['d', 'c', 'p', 'q'])
    assert.ok(Math.abs((scores(reply).d ?? 0) - 3) < 1e-5)
  })

  test('several rules multiply each other; below 1 lowers', async (t) => {
    const reply = await asked(t, field(4, 'new'), field(0.25, 'red'), field(0.5, 'old'))
    const { c = 0, d = 0 } = scores(reply)
    assert.ok(Math.abs(c - 1) < 1e-5 && Math.abs(d - 1.5) < 1e-5, reply.text)
  })

  test('a negative one keeps only what has a value, 0 drops it', async (t) => {
    assert.deepEqual((await asked(t, field(-1, 'new', 'old'))).items, ['c', 'd', 'q'])
    assert.deepEqual((await asked(t, field(0, 'new'))).items, ['c', 'p', 'b', 'e'])
    assert.deepEqual((await asked(t, field(-1, 'new'), field(-1, 'red'))).items, ['d'])
  })
})

describe('items as they are now, without training', () => {
  test('a deleted item is absent until it is set again', async (t) => {
    const fixture = await shop(t)
    await fixture.tell([
      changed('$set', 'c', { x: '1' }),
      { ...changed('$delete', 'c'), eventTime: '2025-03-02T00:00:00.000Z' },
    ])
    assert.equal((await fixture.query({ user: 'u' })).items.includes('c'), false)
    await fixture.tell([
      { ...changed('$set', 'c', { x: '2' }), eventTime: '2025-03-03T00:00:00.000Z' },
    ])
    assert.equal((await fixture.query({ user: 'u' })).items[0], 'c')
  })

  test('a new item is visible from its first event on, behind those that are ranked', async (t) => {
    const fixture = await shop(t)
    await fixture.tell([did('other', 'buy', 'n'), changed('$set', 'm', { tag: 'x' })])
    assert.deepEqual((await fixture.query({ user: 'u' })).items.slice(-2), ['m', 'n'])
    const fields = [{ name: 'tag', values: ['x'], bias: -1 }]
    assert.deepEqual((await fixture.query({ fields })).items, ['m'])
  })

  test('dates are compared with now', async (t) => {
    const fixture = await shop(t, { availableDateName: 'from', expireDateName: 'until' })
    const dates = (from: string, until: string): JsonObject => ({ from, until })
    await fixture.tell([
      changed('$set', 'p', dates('2000-01-01T00:00:00Z', '2999-01-01T00:00:00Z')),
      changed('$set', 'q', dates('2000-01-01T00:00:00Z', '2001-01-01T00:00:00Z')),
      changed('$set', 'a', dates('2998-01-01T00:00:00Z', '2999-01-01T00:00:00Z')),
    ])
    assert.deepEqual((await fixture.query({})).items, ['p'])
    const then = await fixture.query({ currentDate: '2000-06-01T00:00:00Z' })
    assert.deepEqual(then.items, ['p', 'q'])
  })

  test('a ranking of the user’s own is a property', async (t) => {
    const rankings = [{ name: 'shelf', type: 'userDefined' }]
    const fixture = await shop(t, { rankings })
    await fixture.tell([changed('$set', 'e', { shelf: 2 }), changed('$set', 'b', { shelf: 1 })])
    const { json } = await fixture.query({ num: 2, withRanks: true })
    assert.deepEqual(
      json.itemScores.map(({ item, ranks }) => [item, ranks]),
      [
        ['e', { shelf: 2 }],
        ['b', { shelf: 1 }],
      ],
    )
  })
})

describe('explanations', () => {
  async function explained(fixture: ServingFixture, query: JsonObject) {
    const { json } = await fixture.query({ ...query, explain: true })
    return Object.fromEntries(json.itemScores.map(({ item, explanation }) => [item, explanation]))
  }

  test('the history behind an item, with times, weights that add up to its score', async (t) => {
    const { c, d } = await explained(await shop(t), { user: 'u' })
    assert.equal(c?.reason, 'personal')
    assert.deepEqual(d?.evidence, [
      {
        indicator: 'buy',
        id: 'a',
        weight: 1,
        source: 'user',
        eventTime: '2025-01-01T00:01:00.000Z',
      },
      {
        indicator: 'view',
        id: 'e',
        weight: 0.5,
        source: 'user',
        eventTime: '2025-01-01T00:02:00.000Z',
      },
    ])
  })

  test('the item or set that points to it', async (t) => {
    const { d } = await explained(await shop(t), { item: 'c', itemSet: ['a'] })
    assert.deepEqual(d?.evidence, [
      { indicator: 'buy', id: 'a', weight: 1, source: 'item' },
      { indicator: 'buy', id: 'a', weight: 1, source: 'itemSet' },
    ])
  })

  test('backfill: the ranking, its value, and why there is nothing better', async (t) => {
    const fixture = await shop(t)
    const { p } = await explained(fixture, { user: 'u' })
    assert.deepEqual(p, {
      reason: 'backfill',
      evidence: [],
      rules: [],
      backfill: {
        ranking: 'popRank',
        value: 60,
        why: 'Nothing in the evidence of this query points to it. It stands here by its popRank (popular of buy).',
      },
    })
    const whys: readonly (readonly [JsonObject, RegExp])[] = [
      [{ user: 'nobody' }, /^The user nobody has no events that the engine uses\./],
      [{ user: 'u', eventNames: [] }, /^The events of the user u are no evidence in this query\./],
      [{ item: 'zzz' }, /^The item zzz has no correlated items in the model\./],
      [{}, /^The query names no user, item or item set/],
    ]
    for (const [query, why] of whys) {
      assert.match(String((await explained(fixture, query)).p?.backfill?.why), why)
    }
    await fixture.tell([did('other', 'buy', 'n')])
    const { n } = await explained(fixture, {})
    assert.match(String(n?.backfill?.why), /No ranking has it: it stands last, by its id\.$/)
  })

  test('the rules that moved it', async (t) => {
    const fixture = await shop(t)
    await fixture.tell([
      changed('$set', 'c', { tag: 'new', type: 'film' }),
      changed('$set', 'd', { type: 'film' }),
    ])
    const fields = [
      { name: 'tag', values: ['new'], bias: 2 },
      { name: 'type', values: ['film'], bias: -1 },
      { name: 'tag', values: ['old'], bias: 0 },
    ]
    const { c, d } = await explained(fixture, { user: 'u', fields })
    const kept = [
      {
        field: 'type',
        values: ['film'],
        bias: -1,
        effect: 'kept: it has one of the values, as it must',
      },
      { field: 'tag', values: ['old'], bias: 0, effect: 'kept: it has none of the values' },
    ]
    const moved = { field: 'tag', values: ['new'], bias: 2, effect: 'its score is multiplied by 2' }
    assert.deepEqual([c?.rules, d?.rules], [[moved, ...kept], kept])
  })

  test('only when asked', async (t) => {
    const { json } = await (await shop(t)).query({ user: 'u', num: 1 })
    assert.deepEqual(Object.keys(json.itemScores[0] ?? {}), ['item', 'score'])
  })
})
