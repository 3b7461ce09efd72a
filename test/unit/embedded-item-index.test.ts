// What only the embedded item index promises: a version is built in slices, and what happens meanwhile counts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import { silentTelemetry } from '#ports/telemetry'
import { Bitset } from '../../infra/embedded/item-index/bitset.ts'
import { matches, PropertyColumn } from '../../infra/embedded/item-index/property-column.ts'
import { sortByValue } from '../../infra/embedded/item-index/radix.ts'
import { runAtOnce } from '../../infra/embedded/item-index/steps.ts'
import { Top } from '../../infra/embedded/item-index/top.ts'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { makeModel, scoredQuery, seenItem, VERSION } from '../support/item-index-fixture.ts'
import { createRandom } from '../support/random.ts'

const open = () => createItemIndex({ telemetry: silentTelemetry })
const unknownVersion = (error: unknown): boolean =>
  error instanceof MillraceError && error.code === 'INDEX_VERSION_UNKNOWN'

test('a large version is built in slices, between which searches are answered', async () => {
  const index = open()
  const ids = Array.from({ length: 60_000 }, (_, i) => `i${i}`)
  await index.publish(VERSION, makeModel({ items: ['old'] }))
  let published = false
  const publishing = index.publish(VERSION, makeModel({ items: ids })).then(() => {
    published = true
  })
  let answered = 0
  while (!published) {
    const { hits } = await index.search('shop', 'v1', scoredQuery({ num: 3 }))
    assert.equal(hits.length, 1)
    answered++
    await new Promise(setImmediate)
  }
  await publishing
  assert.ok(answered >= 3, `${answered} searches`)
  const { hits } = await index.search('shop', 'v1', scoredQuery({ num: 3 }))
  assert.deepEqual(
    hits.map((hit) => hit.item),
    ['i0', 'i1', 'i10'],
  )
})

test('a version that is retired while it is built does not open', async () => {
  const index = open()
  const publishing = index.publish(VERSION, makeModel({ items: ['a'] }))
  await index.retire('shop', 'v1')
  await assert.rejects(publishing, unknownVersion)
  assert.deepEqual(index.versions(), [])
})

test('of two publishes of one version at once the later counts', async () => {
  const index = open()
  const first = index.publish(VERSION, makeModel({ items: ['a'] }))
  const second = index.publish(VERSION, makeModel({ items: ['b'] }))
  await assert.rejects(first, unknownVersion)
  await second
  const { hits } = await index.search('shop', 'v1', scoredQuery())
  assert.equal(hits[0]?.item, 'b')
})

test('an app that is cleared while a version of it is built leaves the version empty', async () => {
  const index = open()
  const publishing = index.publish(VERSION, makeModel({ items: ['a'] }))
  await index.clearItems(1)
  await index.applyItems(1, [seenItem('new')])
  await publishing
  const { hits } = await index.search('shop', 'v1', scoredQuery())
  assert.deepEqual(
    hits.map((hit) => hit.item),
    ['new'],
  )
})

test('closing ends a build', async () => {
  const index = open()
  const publishing = index.publish(VERSION, makeModel({ items: ['a'] }))
  await index.close()
  await assert.rejects(publishing, unknownVersion)
})

test('sorting by value is stable, largest first, missing last', () => {
  const random = createRandom(3)
  for (const count of [0, 1, 2, 1000]) {
    const values = Float64Array.from({ length: count }, () =>
      random.pick([0, -0, 1, -1, 1e-300, -2.5, 3, Number.NaN, Infinity, random.next()]),
    )
    const items = Uint32Array.from({ length: count + 2 }, (_, i) => i)
    const key = (item: number): number => {
      const value = values[item] ?? Number.NaN
      return Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value
    }
    const expected = [...items].sort((a, b) => (key(a) === key(b) ? a - b : key(b) - key(a)))
    runAtOnce(sortByValue(items, values))
    assert.deepEqual([...items], expected)
  }
})

test('the best k are those of a full sort', () => {
  const random = createRandom(4)
  for (const capacity of [1, 2, 20, 500, 2000]) {
    const top = new Top(capacity, (a, b) => b - a)
    const entries = Array.from({ length: 1000 }, (_, item) => ({ item, score: random.below(50) }))
    for (const { item, score } of entries) if (top.takes(item, score)) top.add(item, score)
    const expected = entries.sort((a, b) => b.score - a.score || b.item - a.item)
    assert.deepEqual(top.sorted(), expected.slice(0, capacity))
  }
})

test('a bitset grows, and lists its bits', () => {
  const bits = new Bitset()
  for (const bit of [0, 31, 32, 1000]) bits.add(bit)
  bits.delete(31)
  bits.delete(5000)
  const seen: number[] = []
  bits.forEach((bit) => {
    seen.push(bit)
  })
  assert.deepEqual(seen, [0, 32, 1000])
  assert.deepEqual([bits.has(0), bits.has(31), bits.has(99_999)], [true, false, false])
})

test('a property column counts, finds and forgets values, few or many', () => {
  const column = new PropertyColumn()
  const items = 1000
  const found = (...texts: string[]): number[] => {
    const match = column.match(texts)
    const list: number[] = []
    column.forEachItem(match, (item) => {
      list.push(item)
      assert.ok(matches(column, match, item))
    })
    return list.sort((a, b) => a - b)
  }
  column.set(7, ['x', 'y'], items)
  column.set(8, 'x', items)
  assert.deepEqual(found('x'), [7, 8])
  assert.deepEqual(found('y', 'z'), [7])
  for (let item = 0; item < items; item++) column.set(item, item % 3, items)
  assert.equal(column.size, items)
  assert.deepEqual(
    [column.itemsWith('x'), column.itemsWith('0'), column.itemsWith('2')],
    [0, 334, 333],
  )
  assert.deepEqual(found('x'), [])
  assert.equal(found('1').length, 333)
  column.set(1, null, items)
  column.set(4, {}, items)
  assert.equal(column.size, items - 2)
  assert.equal(column.itemsWith('1'), 331)
})
