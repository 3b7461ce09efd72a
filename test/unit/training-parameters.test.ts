// Parameters that say which events a training takes, and what it makes of them: aliases, windows, repeats, recsModel.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '#schemas/json'
import type { Model } from '#schemas/model'
import { onThisThread } from '../../batch/algorithms/correlate.ts'
import { did, listsOf, type TrainingEvent, train, variantOf } from '../support/training.ts'

const DAY = 1440
const LLR = { weights: 'llr' }
const PURCHASES = [
  did('u1', 'buy', 'a', 1),
  did('u1', 'buy', 'b', 2),
  did('u2', 'buy', 'a', 3),
  did('u2', 'buy', 'b', 4),
  did('u3', 'buy', 'c', 5),
  did('u3', 'view', 'page', 6),
]

const modelOf = async (
  events: readonly TrainingEvent[],
  params: JsonObject,
  source: JsonObject = {},
  minute = 10,
): Promise<Model> => {
  const asOf = Date.UTC(2025, 0, 1) + minute * 60_000
  return (await train(events, variantOf(params, source), onThisThread, asOf)).model
}

const popularity = ({ items, rankings }: Model): Record<string, number> =>
  Object.fromEntries(items.map((item, i) => [item, rankings[0]?.values[i] ?? Number.NaN]))

test('events of an alias train as those of the indicator, and count in its ranking', async () => {
  const called = PURCHASES.map((event, i) => (i % 2 === 0 ? { ...event, event: 'bought' } : event))
  const plain = await modelOf(PURCHASES, { indicators: [{ name: 'buy' }] })
  const aliased = await modelOf(called, { indicators: [{ name: 'buy', aliases: ['bought'] }] })
  assert.deepEqual(aliased, plain)
  assert.notDeepEqual(await modelOf(called, { indicators: [{ name: 'buy' }] }), plain)
})

test('a window of events: older ones neither correlate nor rank', async () => {
  const old = [did('u1', 'buy', 'z', -5 * DAY), did('u2', 'buy', 'z', -5 * DAY)]
  const window = { eventWindow: { duration: '3 days' } }
  const all = await modelOf([...old, ...PURCHASES], { eventNames: ['buy'] })
  const recent = await modelOf([...old, ...PURCHASES], { eventNames: ['buy'] }, window)
  assert.ok(all.items.includes('z'))
  assert.deepEqual(recent, await modelOf(PURCHASES, { eventNames: ['buy'] }))
})

test('the edge of the window belongs to it', async () => {
  const events = [did('u', 'buy', 'in', 10 - DAY), did('u', 'buy', 'out', 9 - DAY)]
  const window = { eventWindow: { duration: '1 day' } }
  assert.deepEqual((await modelOf(events, { eventNames: ['buy'] }, window)).items, ['in'])
})

test('removeDuplicates: what one user does to one item again is no event more', async () => {
  const repeated = [...PURCHASES, ...PURCHASES, did('u1', 'view', 'a', 7)]
  const once = { eventWindow: { removeDuplicates: true }, minEventsPerUser: 2 }
  const model = await modelOf(repeated, { eventNames: ['buy', 'view'] }, once)
  assert.deepEqual(popularity(model), { a: 2, b: 2, c: 1 })
  // Of u3, who bought one thing twice, there is one event: too few.
  const counted = await modelOf(PURCHASES, { eventNames: ['buy', 'view'] }, { minEventsPerUser: 2 })
  assert.deepEqual(listsOf(model).a?.buy, listsOf(counted).a?.buy)
  const twice = await modelOf(repeated, { eventNames: ['buy', 'view'] }, { minEventsPerUser: 2 })
  assert.deepEqual(popularity(twice), { a: 4, b: 4, c: 2 })
})

test('removeDuplicates: the newest stays, in whatever order they come', async () => {
  const events = [9 - 2 * DAY, 8, 9 - DAY].map((minute) => did('u', 'buy', 'a', minute))
  const params = { eventNames: ['buy'], rankings: [{ duration: '1 day' }] }
  const once = { eventWindow: { removeDuplicates: true } }
  for (const told of [events, events.toReversed()]) {
    assert.deepEqual(popularity(await modelOf(told, params, once)), { a: 1 })
  }
  const earlier = [did('u', 'buy', 'a', 9 - 2 * DAY), ...events.toReversed()]
  assert.deepEqual(popularity(await modelOf(earlier, params, once)), { a: 1 })
})

describe('recsModel', () => {
  test('collabFiltering: no rankings, and no documents for their sake', async () => {
    const params = { eventNames: ['buy'], scoring: 'global', recsModel: 'collabFiltering' }
    const model = await modelOf([...PURCHASES, did('u9', 'buy', 'z', 1)], params, {
      minEventsPerUser: 2,
    })
    assert.deepEqual([model.rankings, model.items], [[], ['a', 'b']])
  })

  const backfill = { eventNames: ['buy', 'view'], recsModel: 'backfill', ...LLR }
  const later = [...PURCHASES, did('u4', 'buy', 'a0', 7), did('u4', 'buy', 'c', 8)]
  const retrained = async (previous: Model | null, params: JsonObject) => {
    const asOf = Date.UTC(2025, 0, 1) + 10 * 60_000
    return (await train(later, variantOf(params), onThisThread, asOf, previous)).model
  }

  test('backfill: rankings anew, the lists as they were', async () => {
    const before = await modelOf(PURCHASES, { eventNames: ['buy', 'view'], ...LLR })
    const model = await retrained(before, backfill)
    assert.deepEqual(popularity(model), { a: 2, a0: 1, b: 2, c: 2 })
    const { a0, ...rest } = listsOf(model)
    assert.deepEqual([a0, rest], [{}, listsOf(before)])
    for (const { name, terms } of model.indicators) {
      assert.deepEqual(terms, name === 'buy' ? model.items : ['page'])
    }
  })

  test('backfill without a model before, or of other indicators: the rankings alone', async () => {
    for (const previous of [null, await modelOf(PURCHASES, { eventNames: ['view'] })]) {
      const model = await retrained(previous, { ...backfill, eventNames: ['buy'] })
      assert.deepEqual(
        Object.values(popularity(model)),
        previous === null ? [2, 1, 2, 2] : [2, 1, 2, 2, Number.NaN],
      )
      assert.ok(Object.values(listsOf(model)).every((lists) => Object.keys(lists).length === 0))
    }
  })
})
