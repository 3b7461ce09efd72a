// What every item index returns, whatever the scores: rules, dates, which items are documents, versions coming and going.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { ScoredQuery } from '#schemas/query'
import {
  type CreateItemIndex,
  clause,
  deletedItem,
  itemState,
  makeModel,
  prior,
  probeIndex,
  SMALL,
  scoredQuery,
  seenItem,
  VERSION,
} from '../support/item-index-fixture.ts'

const { fround } = Math

export function itemIndexDocumentTests(create: CreateItemIndex): void {
  const { open, answer, items, scores } = probeIndex(create)

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
    assert.deepEqual(await asked({ field: 'none', values: ['red'], bias: 0 }), ['a', 'b', 'c', 'd'])
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
      { ...VERSION, versionId: 'v2', primaryEvents: ['view'] },
      makeModel({ items: ['a'] }),
    )
    const { hits } = await index.search('shop', 'v2', scoredQuery())
    assert.deepEqual(
      hits.map((hit) => hit.item),
      ['a', 'described', 'viewed'],
    )
  })

  test('a version of told items only: the others of its model are none until they are told', async () => {
    const index = await open()
    const version = { ...VERSION, versionId: 'old' }
    await index.applyItems(1, [seenItem('a'), itemState('new', 1, { color: 'red' })])
    await index.publish(version, makeModel({ items: ['a', 'b', 'c'] }), { onlyTold: true })
    const shown = async (): Promise<string[]> => {
      const { hits } = await index.search('shop', 'old', scoredQuery())
      return hits.map(({ item }) => item)
    }
    assert.deepEqual(await shown(), ['a', 'new'])
    await index.applyItems(1, [seenItem('b'), itemState('c', 1, { color: 'red' })])
    await index.refresh()
    assert.deepEqual(await shown(), ['a', 'b', 'c', 'new'])
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
    const index = await create()
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
    const index = await create()
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
      const index = await create()
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
}
