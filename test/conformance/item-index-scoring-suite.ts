// How every item index scores and orders. Scores are written as they must come out, to the last bit of a float32.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CreateItemIndex,
  clause,
  deletedItem,
  itemState,
  prior,
  probeIndex,
  seenItem,
} from '../support/item-index-fixture.ts'
import { handmadeCases, openHandmade } from '../support/ur-handmade.ts'

const { fround } = Math

export function itemIndexScoringTests(create: CreateItemIndex): void {
  const { open, answer, items, scores } = probeIndex(create)

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

  for (const { id, query, expected } of handmadeCases) {
    test(`the Universal Recommender's own data, ${id}`, async () => {
      const index = await create()
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
}
