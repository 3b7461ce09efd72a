// Given an engine with `compatibility: "harness-0.6"`; when it is asked in Harness' words; then it answers in them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { JsonObject } from '#schemas/json'
import { makeModel } from '../support/item-index-fixture.ts'
import { createServingFixture, type ServingFixture } from '../support/serving-fixture.ts'
import { did, variantOf } from '../support/training.ts'

/** Bought a: c and d are near. Seen e: d is near. Nothing points to p, which is popular. */
const MODEL = makeModel({
  items: ['a', 'c', 'd', 'e', 'p'],
  lists: {
    buy: { c: { a: 1 }, d: { a: 1 }, a: { c: 1, d: 1 } },
    view: { d: { e: 1 }, a: { e: 1 } },
  },
  rankings: { popRank: { p: 60, a: 5, c: 2, d: 1, e: 1 } },
})

async function shop(t: TestContext, params: JsonObject = {}): Promise<ServingFixture> {
  const fixture = await createServingFixture()
  t.after(() => fixture.close())
  const indicators = [{ name: 'buy' }, { name: 'view' }]
  const compatibility = 'harness-0.6'
  await fixture.register(
    'shop',
    variantOf({ indicators, compatibility, scoring: 'global', ...params }),
  )
  await fixture.activate('shop', 'v1', MODEL)
  await fixture.tell([
    did('u', 'buy', 'a', 1),
    {
      event: '$set',
      entityType: 'item',
      entityId: 'p',
      properties: { kind: ['lamp'] },
      eventTime: '2025-03-01T10:00:00.000Z',
    },
  ])
  return fixture
}

async function ask(fixture: ServingFixture, query: JsonObject) {
  const { headers, status, text } = await fixture.query(query)
  assert.equal(status, 200, text)
  const { result } = JSON.parse(text) as { result: { item: string; score: number }[] }
  return {
    text,
    items: result.map(({ item }) => item),
    result,
    warning: headers['millrace-warning'],
  }
}

test('the answer: result, with scores as doubles of all their digits', async (t) => {
  const fixture = await shop(t)
  const { result, text } = await ask(fixture, { user: 'u', num: 1 })
  const [first] = result
  assert.equal(text, `{"result":[{"item":"c","score":${first?.score}}]}`)
  assert.equal(Math.fround(first?.score ?? 0), first?.score)
  assert.equal((await ask(fixture, { num: 1 })).text, '{"result":[{"item":"p","score":0.0}]}')
})

test('no backfill behind personal results, unless a rule must hold', async (t) => {
  const fixture = await shop(t)
  assert.deepEqual((await ask(fixture, { user: 'u' })).items, ['c', 'd'])
  assert.deepEqual((await ask(fixture, { user: 'nobody' })).items, ['p', 'a', 'c', 'd', 'e'])
  const rules = [{ name: 'kind', values: ['lamp'], bias: -1 }]
  assert.deepEqual((await ask(fixture, { user: 'u', rules })).items, ['p'])
  const weighted = await shop(t, { scoring: 'weighted' })
  assert.deepEqual((await ask(weighted, { user: 'u' })).items, ['c', 'd', 'p', 'e'])
})

test('evidence that only filters asks for no score: what passes is ranked', async (t) => {
  const fixture = await shop(t, { userBias: -1, indicators: [{ name: 'buy' }] })
  assert.deepEqual((await ask(fixture, { user: 'u' })).items, ['c', 'd'])
})

test('rules and indicatorNames; the names of the Universal Recommender are unknown', async (t) => {
  const fixture = await shop(t)
  const view = await ask(fixture, { user: 'u', indicatorNames: ['view'], num: 1 })
  assert.deepEqual(view.items, ['p'])
  const other = await ask(fixture, { user: 'u', eventNames: ['view'], fields: [], num: 1 })
  assert.deepEqual(other.items, ['c'])
  assert.match(String(other.warning), /eventNames is ignored, fields is ignored/)
  const unknown = await ask(fixture, { user: 'u', indicatorNames: ['like'] })
  assert.equal(unknown.warning, 'indicatorNames: like is no indicator of this engine')
  const { json } = await fixture.query({ rules: [{ values: [], bias: 1 }] })
  assert.match(String(json.message), /rules\[0\]\.name is missing/)
})

test('returnSelf the other way round: only false lets the item be returned', async (t) => {
  const fixture = await shop(t)
  const returned = async (query: JsonObject) => (await ask(fixture, query)).items
  const rules = [{ name: 'none', values: ['x'], bias: 0 }]
  for (const self of [{}, { returnSelf: true }]) {
    assert.ok(!(await returned({ item: 'a', rules, blacklistItems: [], ...self })).includes('a'))
  }
  assert.deepEqual(await returned({ itemSet: ['c', 'd'], returnSelf: false }), ['a'])
  assert.deepEqual(await returned({ itemSet: ['a', 'c'] }), ['d'])
  assert.deepEqual((await returned({ itemSet: ['a', 'c'], returnSelf: false })).toSorted(), [
    'a',
    'c',
    'd',
  ])
  assert.deepEqual(await returned({ item: 'zzz', returnSelf: false }), ['p', 'a', 'c', 'd', 'e'])
})

test('a set of one id is an item: all its lists count', async (t) => {
  const fixture = await shop(t)
  const { result } = await ask(fixture, { itemSet: ['a'] })
  assert.deepEqual(result, (await ask(fixture, { item: 'a' })).result)
})
