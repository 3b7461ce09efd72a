// Rankings as a training computes them: values reckoned by hand, windows that end now and four days ago, chance by a seed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '#schemas/json'
import type { Model } from '#schemas/model'
import { onThisThread } from '../../batch/algorithms/correlate.ts'
import { did, type TrainingEvent, train, variantOf } from '../support/training.ts'

const DAY = 1440

/** Purchases of three days: how often each item is bought on the newest day, the one before, and the one before that. */
const BOUGHT: Readonly<Record<string, readonly [number, number, number]>> = {
  Nexus: [7, 7, 7],
  'Iphone 6': [6, 2, 1],
  'Iphone 5': [2, 4, 6],
  'Ipad-retina': [2, 1, 6],
  'Iphone 4': [1, 1, 1],
}

/** The three days, the newest of them at this minute. */
function threeDays(newest: number): TrainingEvent[] {
  return Object.entries(BOUGHT).flatMap(([item, counts]) =>
    counts.flatMap((count, daysAgo) =>
      Array.from({ length: count }, (_, n) => did(`u${n}`, 'buy', item, newest - daysAgo * DAY)),
    ),
  )
}

function valuesOf(model: Model, name: string): Record<string, number> {
  const values = model.rankings.find((ranking) => ranking.name === name)?.values
  const found: Record<string, number> = {}
  for (const [i, item] of model.items.entries()) {
    const value = values?.[i] ?? Number.NaN
    if (!Number.isNaN(value)) found[item] = value
  }
  return found
}

const shop = (rankings: JsonObject[], params: JsonObject = {}): JsonObject =>
  variantOf({ eventNames: ['buy'], rankings, ...params })

/** The instant of a minute of the test's calendar. */
const at = (minute: number): number => Date.UTC(2025, 0, 1) + minute * 60_000

const EXPECTED = {
  popRank: { Nexus: 21, 'Iphone 5': 12, 'Iphone 6': 9, 'Ipad-retina': 9, 'Iphone 4': 3 },
  trendRank: { 'Iphone 6': 7, Nexus: 7, 'Iphone 4': 1, 'Iphone 5': 0, 'Ipad-retina': -3 },
  hotRank: { 'Ipad-retina': 6, 'Iphone 6': 3, Nexus: 0, 'Iphone 5': 0, 'Iphone 4': 0 },
}

describe('popular, trending and hot over three days', () => {
  const events = [...threeDays(10 * DAY), ...threeDays(6 * DAY)]
  const rankings = (offsetDate?: number): JsonObject[] =>
    ['popular', 'trending', 'hot'].map((type) => ({
      type,
      duration: '3 days',
      ...(offsetDate === undefined ? {} : { offsetDate: new Date(offsetDate).toISOString() }),
    }))

  test('that end now', async () => {
    const { model } = await train(events, shop(rankings()), onThisThread, at(10 * DAY + 1))
    for (const [name, values] of Object.entries(EXPECTED)) {
      assert.deepEqual(valuesOf(model, name), values, name)
    }
  })

  test('that ended four days ago', async () => {
    const ended = rankings(at(6 * DAY + 1))
    const { model } = await train(events, shop(ended), onThisThread, at(10 * DAY + 1))
    for (const [name, values] of Object.entries(EXPECTED)) {
      assert.deepEqual(valuesOf(model, name), values, name)
    }
  })

  test('stay in the order of the file', async () => {
    const names = ['hotRank', 'trendRank', 'uniqueRank', 'popRank']
    const types = ['hot', 'trending', 'random', 'popular']
    const all = types.map((type) => ({ type }))
    const { model } = await train(events, shop(all), onThisThread, at(11 * DAY))
    assert.deepEqual(
      model.rankings.map(({ name, type }) => [name, type]),
      names.map((name, i) => [name, types[i]]),
    )
  })
})

describe('parts of a window', () => {
  /** A window of one second that ends at minute 10; its thirds begin at 0, 333 and 666 ms. */
  const parts = async (type: string, milliseconds: readonly number[]) => {
    const events = [
      ...milliseconds.map((ms, n) => ({
        ...did(`u${n}`, 'buy', 'a'),
        eventTime: new Date(at(10) - 1000 + ms).toISOString(),
      })),
      did('u', 'buy', 'b', 0),
    ]
    const ranking = [{ type, name: 'rank', duration: '1 second' }]
    return valuesOf((await train(events, shop(ranking), onThisThread, at(10))).model, 'rank').a
  }

  test('begin with their first millisecond', async () => {
    assert.equal(await parts('trending', [499, 500, 999]), 1)
    assert.equal(await parts('hot', [0, 332, 333, 665, 666, 998, 999]), 1)
    assert.equal(await parts('hot', [0, 333, 334, 666]), -2)
  })

  test('must each have an event', async () => {
    assert.equal(await parts('trending', [500, 999]), undefined)
    assert.equal(await parts('trending', [0, 499]), undefined)
    assert.equal(await parts('hot', [0, 999]), undefined)
    assert.equal(await parts('hot', [332, 333, 665]), undefined)
  })

  test('end before the end of the window', async () => {
    assert.equal(await parts('popular', [-1, 0, 999, 1000]), 2)
  })
})

describe('a random ranking', () => {
  const set = (item: string): TrainingEvent => ({
    event: '$set',
    entityType: 'item',
    entityId: item,
    eventTime: '2024-01-01T00:00:00Z',
  })
  const events = [
    did('u1', 'buy', 'a', 0),
    did('u2', 'buy', 'b', 1),
    did('u2', 'view', 'page', 1),
    did('u2', 'buy', 'old', -2 * DAY),
    set('new'),
  ]
  const values = async (params: JsonObject = {}, of = events) => {
    const variant = shop([{ type: 'random', duration: '1 day' }], params)
    const { model } = await train(of, variant, onThisThread, at(100))
    return valuesOf(model, 'uniqueRank')
  }

  test('is the same in every training, whatever the order of the events', async () => {
    assert.deepEqual(await values(), await values({}, events.toReversed()))
    for (const value of Object.values(await values())) assert.ok(value >= 0 && value < 1)
  })

  test('is another one with another seed', async () => {
    assert.notDeepEqual(await values({ seed: 1 }), await values({ seed: 2 }))
  })

  test('has items of the window and items with properties; of old, targets of every event', async () => {
    assert.deepEqual(Object.keys(await values()), ['a', 'b', 'new'])
    assert.deepEqual(Object.keys(await values({ scoring: 'global' })), ['a', 'b', 'new', 'page'])
  })

  test('mixes ids that differ in one letter', async () => {
    const many = Array.from({ length: 1000 }, (_, n) => did('u', 'buy', `item-${n}`))
    const found = Object.values(await values({}, many))
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length
    assert.ok(Math.abs(mean - 0.5) < 0.05, `mean ${mean}`)
    assert.equal(new Set(found.map((value) => Math.floor(value * 20))).size, 20)
  })
})
