// Quirks that show in answers alone: what stands behind personal results, deleted items, ranks.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { silentTelemetry } from '#ports/telemetry'
import type { JsonObject } from '#schemas/json'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import {
  createServingFixture,
  type Reply,
  type ServingFixture,
  type ToldEvent,
} from '../support/serving-fixture.ts'
import { did, train, variantOf } from '../support/training.ts'

/** Who bought a bought b; c and d stand for themselves, d is the most popular. */
const EVENTS: readonly ToldEvent[] = [
  ...['u1', 'u2'].flatMap((user) => [did(user, 'buy', 'a', 1), did(user, 'buy', 'b', 2)]),
  did('u3', 'buy', 'c', 3),
  ...['u4', 'u5', 'u6'].map((user) => did(user, 'buy', 'd', 4)),
  did('u7', 'buy', 'a', 5),
]

async function shop(t: TestContext, params: JsonObject): Promise<ServingFixture> {
  const index = createItemIndex({ telemetry: silentTelemetry })
  const fixture = await createServingFixture({ index })
  t.after(() => fixture.close())
  const variant = variantOf({ eventNames: ['buy'], ...params })
  const { model } = await train(EVENTS, variant)
  await fixture.register('shop', variant)
  await fixture.activate('shop', 'v1', model)
  await fixture.tell(EVENTS)
  return fixture
}

const resultOf = ({ text }: Reply): string[] =>
  (JSON.parse(text) as { result: { item: string }[] }).result.map(({ item }) => item)

test('collabFiltering shows items without a score too, in no order of theirs; today it does not', async (t) => {
  const recsModel = 'collabFiltering'
  const today = await shop(t, { recsModel })
  assert.deepEqual((await today.query({ user: 'u7' })).items, ['b'])
  assert.deepEqual((await today.query({})).items, [])
  const none = await shop(t, { recsModel, scoring: 'global', compatibility: 'none' })
  assert.deepEqual((await none.query({ user: 'u7' })).items, ['b'])
  const old = await shop(t, { recsModel, scoring: 'global' })
  const { items, json } = await old.query({ user: 'u7' })
  assert.deepEqual(items, ['b', 'c', 'd'])
  assert.deepEqual(
    json.itemScores.slice(1).map(({ score }) => score),
    [0, 0],
  )
})

test('collabFiltering: evidence that only filters gives no score, and shows what passes', async (t) => {
  const fixture = await shop(t, { recsModel: 'collabFiltering' })
  assert.deepEqual((await fixture.query({ user: 'u7', userBias: -1 })).items, ['b'])
})

test('no backfill behind the personal results of Harness', async (t) => {
  const harness = await shop(t, { scoring: 'es7', compatibility: 'harness-0.6' })
  assert.deepEqual(resultOf(await harness.query({ user: 'u7' })), ['b'])
  const old = await shop(t, { scoring: 'es7' })
  assert.deepEqual((await old.query({ user: 'u7' })).items, ['b', 'd', 'c'])
})

test('withRanks works in every engine but Harness’, which ignores it', async (t) => {
  for (const params of [{}, { scoring: 'es5' }]) {
    const { json } = await (await shop(t, params)).query({ num: 1, withRanks: true })
    assert.deepEqual(json.itemScores[0]?.ranks, { popRank: 3 })
  }
  const harness = await shop(t, { scoring: 'es5', compatibility: 'harness-0.6' })
  assert.ok(!(await harness.query({ num: 1, withRanks: true })).text.includes('ranks'))
})

test('a deleted item is recommended no more, and a new one is, without a training', async (t) => {
  const eventTime = '2025-03-01T00:00:00Z'
  const item = { entityType: 'item', eventTime }
  for (const params of [{}, { scoring: 'es5' }, { scoring: 'es7', compatibility: 'none' }]) {
    const fixture = await shop(t, params)
    await fixture.tell([
      { ...item, event: '$delete', entityId: 'd' },
      { ...item, event: '$set', entityId: 'new', properties: { type: 'film' } },
      did('u8', 'buy', 'sold', 9),
    ])
    const { items } = await fixture.query({ user: 'u7' })
    assert.deepEqual([items[0], items.toSorted()], ['b', ['b', 'c', 'new', 'sold']])
  }
})
