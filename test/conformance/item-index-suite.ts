// What every item index does, case by case. Scores are written as they must come out, to the last bit of a float32.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MillraceError } from '#ports/errors'
import { type ItemIndex, PRIOR_WEIGHT } from '#ports/item-index'
import { roundWeight } from '#schemas/numerics'
import type { ScoredQuery } from '#schemas/query'
import {
  clause,
  deletedItem,
  itemState,
  makeModel,
  type ShortModel,
  scoredQuery,
  seenItem,
  VERSION,
} from '../support/item-index-fixture.ts'
import { handmadeCases, openHandmade } from '../support/ur-handmade.ts'

const { fround } = Math

export interface ItemIndexFactory {
  readonly name: string
  create(): ItemIndex
}

/** The prior of a value in a ranking with this sum. */
const prior = (value: number, sum: number): number => roundWeight((PRIOR_WEIGHT * value) / sum)

const SMALL: ShortModel = {
  items: ['a', 'b', 'c', 'd'],
  lists: {
    buy: { a: { b: 0.5, c: 0.25 }, b: { a: 0.75 }, c: { a: 0.5, b: 2 } },
    view: { a: { 'term 1': 1 }, d: { 'term 1': 0.125, 'term 2': 4 } },
  },
  rankings: { popRank: { a: 4, b: 3, c: 2, d: 1 } },
}

export function itemIndexSuite({ name, create }: ItemIndexFactory): void {
  const open = async (model: ShortModel = SMALL): Promise<ItemIndex> => {
    const index = create()
    await index.publish(VERSION, makeModel(model))
    return index
  }
  const answer = async (index: ItemIndex, query: Partial<ScoredQuery> = {}) => {
    const { hits, degraded } = await index.search('shop', 'v1', scoredQuery(query))
    assert.deepEqual(degraded, [])
    return hits
  }
  const items = async (index: ItemIndex, query: Partial<ScoredQuery> = {}) =>
    (await answer(index, query)).map((hit) => hit.item)
  const scores = async (index: ItemIndex, query: Partial<ScoredQuery> = {}) =>
    (await answer(index, query)).map((hit) => [hit.item, hit.score])

  describe(`item index: ${name}`, () => {
    test('weighted: sums boost · weight and the prior, rounded once', async () => {
      const index = await open()
      const evidence = [clause('buy', ['a', 'b'], { boost: 1.5 }), clause('view', ['term 1'])]
      assert.deepEqual(await scores(index, { evidence }), [
        ['c', fround(1.5 * 0.5 + 1.5 * 2 + prior(2, 10))],
        ['a', fround(1.5 * 0.5 + 1 + prior(4, 10))],
        ['b', fround(1.5 * 0.75 + prior(3, 10))],
        ['d', fround(0.125 + prior(1, 10))],
      ])
    })

    test('weighted: without evidence the first ranking orders', async () => {
      const index = await open()
      assert.deepEqual(await scores(index), [
        ['a', prior(4, 10)],
        ['b', prior(3, 10)],
        ['c', prior(2, 10)],
        ['d', prior(1, 10)],
      ])
    })

    test('weighted: a negative or missing ranking value weighs nothing', async () => {
      const index = await open({
        items: ['a', 'b', 'c', 'd'],
        rankings: { popRank: { a: -5, c: 6, d: 2 } },
      })
      assert.deepEqual(await scores(index), [
        ['c', prior(6, 8)],
        ['d', prior(2, 8)],
        ['a', 0],
        ['b', 0],
      ])
    })

    test('weighted: positive rules multiply, each once, after the sum is rounded', async () => {
      const index = await open()
      await index.applyItems(1, [
        itemState('a', 1, { color: ['red', 'blue'], size: 'L' }),
        itemState('b', 1, { color: 'blue' }),
      ])
      const hits = await scores(index, {
        evidence: [clause('buy', ['a', 'b'])],
        rules: [
          { field: 'color', values: ['red', 'blue'], bias: 1.1 },
          { field: 'size', values: ['L'], bias: 0.3 },
        ],
      })
      assert.deepEqual(hits, [
        ['c', fround(2.5 + prior(2, 10))],
        ['b', fround(fround(0.75 + prior(3, 10)) * 1.1)],
        ['a', fround(fround(0.5 + prior(4, 10)) * (1.1 * 0.3))],
        ['d', prior(1, 10)],
      ])
    })

    test('weighted: a boost lifts an item that has no evidence', async () => {
      const index = await open()
      await index.applyItems(1, [itemState('d', 1, { color: 'red' })])
      const rules = [{ field: 'color', values: ['red'], bias: 5 }]
      assert.deepEqual(await items(index, { rules, num: 2 }), ['d', 'a'])
    })

    test('weighted: of equal evidence the higher prior comes first, also in a page of one', async () => {
      const index = await open({
        items: ['a', 'b', 'c'],
        lists: { buy: { a: { x: 1 / 64 }, b: { x: 1 / 64 }, c: { x: 1 / 64 } } },
        rankings: { popRank: { a: 1, b: 9, c: 2 } },
      })
      const evidence = [clause('buy', ['x'])]
      assert.deepEqual(await scores(index, { evidence, num: 1 }), [
        ['b', fround(1 / 64 + prior(9, 12))],
      ])
    })

    test('ids and indicators that the version does not have add nothing', async () => {
      const index = await open()
      const evidence = [clause('buy', ['zzz', 'constructor']), clause('other', ['a'])]
      assert.deepEqual(await items(index, { evidence }), ['a', 'b', 'c', 'd'])
    })

    test('must: an item has to match at least one id of each such clause, and gains nothing', async () => {
      const index = await open()
      const must = clause('buy', ['a', 'c'], { must: true })
      assert.deepEqual(await scores(index, { evidence: [must] }), [
        ['a', prior(4, 10)],
        ['b', prior(3, 10)],
        ['c', prior(2, 10)],
      ])
      const both = [must, clause('view', ['term 1'], { must: true }), clause('buy', ['b'])]
      assert.deepEqual(await scores(index, { evidence: both }), [['a', fround(0.5 + prior(4, 10))]])
      const none = [must, clause('view', [], { must: true })]
      assert.deepEqual(await items(index, { evidence: none }), [])
      const unknown = [clause('other', ['a'], { must: true })]
      assert.deepEqual(await items(index, { evidence: unknown }), [])
    })

    test('rules: negative bias demands one of the values, zero refuses all of them', async () => {
      const index = await open()
      await index.applyItems(1, [
        itemState('a', 1, { color: ['red', 'blue'] }),
        itemState('b', 1, { color: 'red' }),
        itemState('c', 1, { color: 'green', size: 'S' }),
      ])
      const include = (...values: string[]) => ({ field: 'color', values, bias: -1 })
      const exclude = (...values: string[]) => ({ field: 'color', values, bias: 0 })
      const asked = async (...rules: ScoredQuery['rules']) => items(index, { rules })
      assert.deepEqual(await asked(include('red')), ['a', 'b'])
      assert.deepEqual(await asked(include('blue', 'green')), ['a', 'c'])
      assert.deepEqual(await asked(include('red'), include('blue')), ['a'])
      assert.deepEqual(await asked(exclude('red')), ['c', 'd'])
      assert.deepEqual(await asked(exclude('red', 'green')), ['d'])
      assert.deepEqual(await asked(include('red'), exclude('blue')), ['b'])
      assert.deepEqual(await asked({ field: 'none', values: ['red'], bias: -1 }), [])
      assert.deepEqual(await asked({ field: 'none', values: ['red'], bias: 0 }), [
        'a',
        'b',
        'c',
        'd',
      ])
    })

    test('rules: numbers and booleans compare as their JSON text, values whole', async () => {
      const index = await open()
      const long = 'x'.repeat(1000)
      await index.applyItems(1, [
        itemState('a', 1, { v: 5, w: [true, 2.5, null, ['deep']], t: long }),
        itemState('b', 1, { v: '5', w: { a: 1 }, t: `${long}y` }),
        itemState('c', 1, { v: '05', w: false, t: ` ${long}` }),
        itemState('d', 1, { v: [5, '5'], w: null, t: [long, ''] }),
      ])
      const asked = async (field: string, ...values: string[]) =>
        items(index, { rules: [{ field, values, bias: -1 }] })
      assert.deepEqual(await asked('v', '5'), ['a', 'b', 'd'])
      assert.deepEqual(await asked('v', '05'), ['c'])
      assert.deepEqual(await asked('v', '5.0'), [])
      assert.deepEqual(await asked('w', 'true'), ['a'])
      assert.deepEqual(await asked('w', 'false'), ['c'])
      assert.deepEqual(await asked('w', '2.5'), ['a'])
      assert.deepEqual(await asked('w', 'null', 'deep', '1', ''), [])
      assert.deepEqual(await asked('t', long), ['a', 'd'])
      assert.deepEqual(await asked('t', ''), ['d'])
    })

    test('rules: property names that objects have are nothing special', async () => {
      const index = await open()
      await index.applyItems(1, [itemState('a', 1, { constructor: 'x', toString: ['y'] })])
      const asked = async (field: string, value: string) =>
        items(index, { rules: [{ field, values: [value], bias: -1 }] })
      assert.deepEqual(await asked('constructor', 'x'), ['a'])
      assert.deepEqual(await asked('toString', 'y'), ['a'])
      assert.deepEqual(await asked('hasOwnProperty', 'y'), [])
    })

    test('dates: strict bounds, as ISO text or milliseconds, and an item without never matches', async () => {
      const index = await open()
      await index.applyItems(1, [
        itemState('a', 1, { at: '2025-01-01T00:00:00.000Z' }),
        itemState('b', 1, { at: '2025-01-01T02:00:00.001+02:00' }),
        itemState('c', 1, { at: Date.parse('2025-01-01') }),
        itemState('d', 1, { at: ['2025-01-01'] }),
        itemState('e', 1, { at: 'soon' }),
        itemState('f', 1, { at: '2025-01-01' }),
        itemState('g', 1, { at: '2025-02-30' }),
      ])
      const noon = Date.parse('2025-01-01T00:00:00.000Z')
      const asked = async (after: number | null, before: number | null, includeBefore = false) =>
        (await items(index, { dates: [{ field: 'at', after, before, includeBefore }] })).sort()
      assert.deepEqual(await asked(noon, null), ['b'])
      assert.deepEqual(await asked(noon - 1, null), ['a', 'b', 'c', 'f'])
      assert.deepEqual(await asked(null, noon), [])
      assert.deepEqual(await asked(null, noon, true), ['a', 'c', 'f'])
      assert.deepEqual(await asked(null, noon + 1), ['a', 'c', 'f'])
      assert.deepEqual(await asked(noon, noon + 2), ['b'])
      assert.deepEqual(await asked(null, null), ['a', 'b', 'c', 'f'])
    })

    test('dates: several rules all have to hold', async () => {
      const index = await open()
      await index.applyItems(1, [
        itemState('a', 1, { from: '2025-01-01', to: '2025-03-01' }),
        itemState('b', 1, { from: '2025-02-02', to: '2025-03-01' }),
        itemState('c', 1, { from: '2025-01-01', to: '2025-02-01' }),
        itemState('d', 1, { from: '2025-01-01' }),
      ])
      const now = Date.parse('2025-02-01')
      const dates = [
        { field: 'from', after: null, before: now, includeBefore: true },
        { field: 'to', after: now, before: null, includeBefore: false },
      ]
      assert.deepEqual(await items(index, { dates }), ['a'])
    })

    test('excluded items are never returned, with evidence or without', async () => {
      const index = await open()
      const excludeIds = ['a', 'c', 'unknown']
      assert.deepEqual(await items(index, { excludeIds }), ['b', 'd'])
      const evidence = [clause('buy', ['a', 'b'])]
      assert.deepEqual(await items(index, { evidence, excludeIds }), ['b', 'd'])
    })

    test('order: score, then each ranking with missing last, then id by UTF-16 unit', async () => {
      const ids = ['a', 'Z', 'é', '\u{1F600}', '\uFF5E', 'b', 'c', 'd']
      const index = await open({
        items: ids,
        rankings: {
          first: { b: 1, c: 1, d: -2 },
          second: { b: -7, c: -0, é: 3, a: -1, d: 0 },
        },
      })
      assert.deepEqual(await items(index, { scoring: 'global', rankings: ['first', 'second'] }), [
        'c',
        'b',
        'd',
        'é',
        'a',
        'Z',
        '\u{1F600}',
        '\uFF5E',
      ])
      assert.deepEqual(await items(index, { scoring: 'global', rankings: ['second', 'nothing'] }), [
        'é',
        'c',
        'd',
        'a',
        'b',
        'Z',
        '\u{1F600}',
        '\uFF5E',
      ])
      assert.deepEqual(await items(index, { rankings: [] }), [...ids].sort())
    })

    test('pages are cut out of one order, to its end', async () => {
      const ids = Array.from({ length: 300 }, (_, i) => `i${i}`)
      const index = await open({
        items: ids,
        rankings: { popRank: Object.fromEntries(ids.map((id, i) => [id, i % 40])) },
      })
      const whole = await items(index, { num: 10_000 })
      assert.equal(whole.length, 300)
      for (const [from, num] of [
        [0, 1],
        [7, 13],
        [290, 20],
        [300, 5],
        [5000, 5],
        [3, 0],
      ] as const) {
        assert.deepEqual(await items(index, { from, num }), whole.slice(from, from + num))
      }
    })

    test('ranks come with withRanks and explain only, where the item has them', async () => {
      const index = await open()
      await index.applyItems(1, [seenItem('new')])
      const plain = await answer(index, { num: 1 })
      assert.deepEqual(plain, [
        { item: 'a', score: prior(4, 10), ranks: null, matches: null, rulesMatched: null },
      ])
      const [first, ...others] = await answer(index, {
        withRanks: true,
        rankings: ['popRank', 'no'],
      })
      assert.deepEqual(first?.ranks, { popRank: 4 })
      assert.equal(first?.matches, null)
      assert.deepEqual(others.at(-1), {
        item: 'new',
        score: 0,
        ranks: {},
        matches: null,
        rulesMatched: null,
      })
    })

    test('explain says what each clause added, largest first, and which boosts matched', async () => {
      const index = await open()
      await index.applyItems(1, [itemState('c', 1, { color: 'red', size: 'S' })])
      const rules = [
        { field: 'color', values: ['blue'], bias: 2 },
        { field: 'size', values: ['S'], bias: -1 },
        { field: 'color', values: ['red'], bias: 3 },
      ]
      const evidence = [
        clause('buy', ['a', 'x'], { boost: 2, source: 'itemSet' }),
        clause('buy', ['b']),
        clause('buy', ['a'], { must: true }),
      ]
      const hits = await answer(index, { evidence, rules, explain: true })
      assert.deepEqual(hits, [
        {
          item: 'c',
          score: fround(fround(3 + prior(2, 10)) * 3),
          ranks: { popRank: 2 },
          matches: [
            { indicator: 'buy', id: 'b', weight: 2, source: 'user' },
            { indicator: 'buy', id: 'a', weight: 1, source: 'itemSet' },
          ],
          rulesMatched: [2],
        },
      ])
      const [backfill] = await answer(index, { explain: true, num: 1 })
      assert.deepEqual(backfill?.matches, [])
      assert.deepEqual(backfill?.rulesMatched, [])
    })

    test('explain in global scoring gives idf terms', async () => {
      const index = await open()
      const evidence = [clause('buy', ['a'], { boost: 2 })]
      const [hit] = await answer(index, { scoring: 'global', evidence, explain: true })
      const weight = fround(fround(Math.log(1 + (3 - 2 + 0.5) / 2.5)) * 2)
      assert.equal(hit?.item, 'b')
      assert.equal(hit?.score, weight)
      assert.deepEqual(hit?.matches, [{ indicator: 'buy', id: 'a', weight, source: 'user' }])
    })

    test('global: statistics are over all documents, deleted and new ones too, and live', async () => {
      const index = await open()
      const rules = [{ field: 'color', values: ['red', 'red'], bias: 2 }]
      const boostOf = (withValue: number, withTerm: number): number =>
        fround(fround(Math.log(1 + (withValue - withTerm + 0.5) / (withTerm + 0.5))) * 2)
      await index.applyItems(1, [
        itemState('a', 1, { color: 'red' }),
        itemState('b', 1, { color: ['blue', 'red'] }),
        itemState('new', 1, { color: 'blue' }),
      ])
      const first = await scores(index, { scoring: 'global', rules, num: 3 })
      assert.deepEqual(first, [
        ['a', boostOf(3, 2)],
        ['b', boostOf(3, 2)],
        ['c', 0],
      ])
      await index.applyItems(1, [itemState('b', 2, { color: 'blue' }), deletedItem('c', 5)])
      const second = await scores(index, { scoring: 'global', rules, num: 3 })
      assert.deepEqual(second, [
        ['a', boostOf(3, 1)],
        ['b', 0],
        ['d', 0],
      ])
      await index.applyItems(1, [deletedItem('c', 5), deletedItem('b', 7)])
      const evidence = [clause('buy', ['b'])]
      const weight = fround(Math.log(1 + (3 - 2 + 0.5) / 2.5))
      assert.deepEqual(await scores(index, { scoring: 'global', evidence, num: 2 }), [
        ['a', weight],
        ['d', 0],
      ])
    })

    test('new items: seen as a target of the primary event, or with properties', async () => {
      const index = await open()
      await index.applyItems(1, [
        seenItem('bought'),
        seenItem('viewed', 'view'),
        itemState('described', 1, { color: 'red' }),
        itemState('bare', 1, {}),
        itemState('gone', 1, null),
      ])
      assert.deepEqual(await items(index), ['a', 'b', 'c', 'd', 'bought', 'described'])
      await index.publish(
        { ...VERSION, versionId: 'v2', primaryEvent: 'view' },
        makeModel({ items: ['a'] }),
      )
      const { hits } = await index.search('shop', 'v2', scoredQuery())
      assert.deepEqual(
        hits.map((hit) => hit.item),
        ['a', 'described', 'viewed'],
      )
    })

    test('a deleted item is not returned until its next $set, seen or trained or not', async () => {
      const index = await open()
      await index.applyItems(1, [deletedItem('b', 1), seenItem('new'), deletedItem('new', 1)])
      assert.deepEqual(await items(index), ['a', 'c', 'd'])
      const evidence = [clause('buy', ['a'])]
      assert.deepEqual(await items(index, { evidence }), ['c', 'a', 'd'])
      await index.applyItems(1, [itemState('b', 2, {}), itemState('new', 2, { color: 'red' })])
      assert.deepEqual(await items(index), ['a', 'b', 'c', 'd', 'new'])
    })

    test('an item that loses its last property, and was nothing else, is no document', async () => {
      const index = await open()
      await index.applyItems(1, [itemState('new', 1, { color: 'red' })])
      await index.applyItems(1, [itemState('new', 2, {}), itemState('a', 2, {})])
      assert.deepEqual(await items(index), ['a', 'b', 'c', 'd'])
      await index.applyItems(1, [itemState('new', 3, { size: 1 })])
      assert.deepEqual(await items(index), ['a', 'b', 'c', 'd', 'new'])
    })

    test('a state of a lower offset never replaces one of a higher', async () => {
      const index = await open()
      await index.applyItems(1, [
        itemState('a', 5, { color: 'red' }),
        itemState('a', 4, { color: 'blue' }),
        deletedItem('a', 3),
      ])
      const rules = [{ field: 'color', values: ['red'], bias: -1 }]
      assert.deepEqual(await items(index, { rules }), ['a'])
      await index.applyItems(1, [itemState('a', 5, { color: 'blue' })])
      assert.deepEqual(await items(index, { rules }), [])
    })

    test('a state is whole: what it does not name is gone', async () => {
      const index = await open()
      await index.applyItems(1, [itemState('a', 1, { color: 'red', size: 'S' })])
      await index.applyItems(1, [itemState('a', 2, { size: ['M', 'L'] })])
      const asked = async (field: string, value: string) =>
        items(index, { rules: [{ field, values: [value], bias: -1 }] })
      assert.deepEqual(await asked('color', 'red'), [])
      assert.deepEqual(await asked('size', 'S'), [])
      assert.deepEqual(await asked('size', 'L'), ['a'])
    })

    test('user-defined rankings are live, and no source of the prior', async () => {
      const index = create()
      const version = { ...VERSION, userDefinedRankings: ['stars'] }
      await index.publish(version, makeModel(SMALL))
      await index.applyItems(1, [
        itemState('c', 1, { stars: 2 }),
        itemState('d', 1, { stars: 3 }),
        itemState('a', 1, { stars: '9' }),
        itemState('new', 1, { stars: 2.5 }),
      ])
      const rankings = ['stars', 'popRank']
      const hits = await answer(index, { rankings, withRanks: true })
      assert.deepEqual(
        hits.map((hit) => [hit.item, hit.score, hit.ranks]),
        [
          ['d', 0, { stars: 3, popRank: 1 }],
          ['new', 0, { stars: 2.5 }],
          ['c', 0, { stars: 2, popRank: 2 }],
          ['a', 0, { popRank: 4 }],
          ['b', 0, { popRank: 3 }],
        ],
      )
      await index.applyItems(1, [itemState('d', 2, { stars: 1 }), itemState('c', 2, {})])
      await index.applyItems(1, [itemState('b', 2, { stars: 1 })])
      assert.deepEqual(await items(index, { rankings }), ['new', 'b', 'd', 'a', 'c'])
      assert.deepEqual(await items(index, { rankings: ['popRank', 'stars'] }), [
        'a',
        'b',
        'c',
        'd',
        'new',
      ])
    })

    test('apps are walls', async () => {
      const index = await open()
      await index.applyItems(2, [seenItem('foreign'), deletedItem('a', 9)])
      assert.deepEqual(await items(index), ['a', 'b', 'c', 'd'])
    })

    test('states told before a version is published count in it', async () => {
      const index = create()
      await index.applyItems(1, [
        itemState('a', 1, { color: 'red' }),
        deletedItem('b', 1),
        seenItem('new'),
      ])
      await index.publish(VERSION, makeModel(SMALL))
      assert.deepEqual(await items(index), ['a', 'c', 'd', 'new'])
    })

    test('changes told while a version is being published count in it', async () => {
      const ids = Array.from({ length: 30 }, (_, i) => `i${i + 10}`)
      for (let turns = 1; turns < 12; turns++) {
        const index = create()
        const version = { ...VERSION, userDefinedRankings: ['stars'] }
        const published = index.publish(version, makeModel({ items: ids }))
        for (let turn = 1; turn <= turns; turn++) {
          const last = itemState(ids.at(-turn) as string, turn, { stars: turn })
          await index.applyItems(1, [seenItem(`new ${turn}`), last])
          await new Promise(setImmediate)
        }
        await published
        const rankings = ['stars']
        assert.deepEqual(await items(index, { rankings, num: 1 }), [ids.at(-turns)])
        assert.equal((await items(index, { rankings, num: 100 })).length, 30 + turns)
      }
    })

    test('publish replaces a version of the same id, and the old one answers until then', async () => {
      const index = await open()
      const published = index.publish(VERSION, makeModel({ items: ['x', 'y'] }))
      const during = await items(index)
      assert.ok(during.length === 4 || during.length === 2)
      await published
      assert.deepEqual(await items(index), ['x', 'y'])
      assert.deepEqual(index.versions(), [VERSION])
    })

    test('retire drops a version; others stay; a second time does nothing', async () => {
      const index = await open()
      await index.publish({ ...VERSION, versionId: 'v2' }, makeModel(SMALL))
      await index.retire('shop', 'v1')
      await index.retire('shop', 'v1')
      const unknown = (error: unknown): boolean =>
        error instanceof MillraceError && error.code === 'INDEX_VERSION_UNKNOWN'
      await assert.rejects(index.search('shop', 'v1', scoredQuery()), unknown)
      await assert.rejects(index.lists('shop', 'v1', ['a']), unknown)
      await assert.rejects(index.search('shop', 'v3', scoredQuery()), unknown)
      assert.deepEqual(
        index.versions().map((version) => version.versionId),
        ['v2'],
      )
      const { hits } = await index.search('shop', 'v2', scoredQuery())
      assert.equal(hits.length, 4)
    })

    test('lists are the model lists of its items; others are left out', async () => {
      const index = await open()
      await index.applyItems(1, [seenItem('new'), deletedItem('c', 1)])
      assert.deepEqual(await index.lists('shop', 'v1', ['c', 'nothing', 'd', 'new']), [
        {
          item: 'c',
          lists: [
            { indicator: 'buy', ids: ['b', 'a'], weights: [2, 0.5] },
            { indicator: 'view', ids: [], weights: [] },
          ],
        },
        {
          item: 'd',
          lists: [
            { indicator: 'buy', ids: [], weights: [] },
            { indicator: 'view', ids: ['term 2', 'term 1'], weights: [4, 0.125] },
          ],
        },
      ])
    })

    test('clearItems forgets an app: its versions stay, without documents', async () => {
      const index = await open()
      await index.publish({ ...VERSION, app: 2, engineId: 'other' }, makeModel(SMALL))
      await index.applyItems(1, [itemState('a', 7, { color: 'red' }), seenItem('new')])
      await index.clearItems(1)
      assert.deepEqual(await items(index, { evidence: [clause('buy', ['a'])] }), [])
      assert.deepEqual(await index.lists('shop', 'v1', ['a']), [])
      assert.equal(index.versions().length, 2)
      const { hits } = await index.search('other', 'v1', scoredQuery())
      assert.equal(hits.length, 4)
    })

    test('after clearItems, items of the model are documents again when they are told', async () => {
      const index = await open()
      await index.applyItems(1, [itemState('a', 7, { color: 'red' }), deletedItem('b', 3)])
      await index.clearItems(1)
      await index.applyItems(1, [itemState('c', 1, { color: 'red' }), seenItem('b')])
      const evidence = [clause('buy', ['a', 'b'])]
      assert.deepEqual(await scores(index, { evidence }), [
        ['c', fround(2.5 + prior(2, 10))],
        ['b', fround(0.75 + prior(3, 10))],
      ])
      const lists = await index.lists('shop', 'v1', ['a', 'b', 'c'])
      assert.deepEqual(
        lists.map(({ item }) => item),
        ['b', 'c'],
      )
      await index.publish(VERSION, makeModel(SMALL))
      assert.deepEqual(await items(index), ['a', 'b', 'c', 'd'])
    })

    test('an empty model answers with what is told', async () => {
      const index = await open({ items: [] })
      assert.deepEqual(await items(index), [])
      await index.applyItems(1, [seenItem('b'), seenItem('a')])
      assert.deepEqual(await scores(index), [
        ['a', 0],
        ['b', 0],
      ])
    })

    test('health is ok, and closing twice does nothing', async () => {
      const index = await open()
      const health = await index.health()
      assert.deepEqual([health.name, health.status], ['index', 'ok'])
      await index.close()
      await index.close()
      assert.deepEqual(index.versions(), [])
    })

    for (const { id, query, expected } of handmadeCases) {
      test(`the Universal Recommender's own data, ${id}`, async () => {
        const index = create()
        await openHandmade(index)
        const found = await scores(index, query)
        assert.deepEqual(
          found.map(([item]) => item),
          expected.map(([item]) => item),
        )
        for (const [i, [item, score]] of expected.entries()) {
          const got = found[i]?.[1] as number
          assert.ok(Math.abs(got - score) < 1e-6 * Math.max(1, score), `${item}: ${got}`)
        }
      })
    }
  })
}
