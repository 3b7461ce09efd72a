// The Universal Recommender's own hand-made data, against the model that was worked out by hand from its sources.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonObject } from '#schemas/json'
import { logLikelihoodRatio, roundWeight } from '#schemas/numerics'
import { listsOf, type TrainingEvent, train } from '../support/training.ts'

const folder = new URL('../fixtures/ur-handmade/', import.meta.url)
const events = readFileSync(new URL('events.jsonl', folder), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as TrainingEvent)

function variant(params: JsonObject): JsonObject {
  const json = JSON.parse(readFileSync(new URL('engine.json', folder), 'utf8'))
  Object.assign(json.algorithms[0].params, params)
  return json
}

const EXPECTED = {
  'Iphone 4': {
    purchase: ['Ipad-retina', 'Iphone 6'],
    view: ['Soap', 'Tablets'],
    'category-pref': ['tablets'],
  },
  'Iphone 6': {
    purchase: ['Ipad-retina', 'Iphone 4'],
    view: ['Soap'],
    'category-pref': ['tablets'],
  },
  'Ipad-retina': {
    purchase: ['Iphone 4', 'Iphone 6'],
    view: ['Soap'],
    'category-pref': ['tablets'],
  },
  Nexus: { view: ['Tablets'], 'category-pref': ['tablets'] },
  'Iphone 5': {},
  Galaxy: {},
  Surface: {},
}

const SMALL = 1.0464962875290957
const LARGE = 3.819085009768877

test('global: the lists of the hand-made data, every weight 1', async () => {
  const { model, counts } = await train(events, variant({ scoring: 'global' }))
  const found = Object.entries(listsOf(model)).map(([item, lists]) => [
    item,
    Object.fromEntries(
      Object.entries(lists).map(([name, list]) => [name, list.map(([id]) => id).sort()]),
    ),
  ])
  assert.deepEqual(Object.fromEntries(found), EXPECTED)
  assert.equal(counts.users, 3)
  for (const { weight } of model.indicators) assert.ok(weight.every((value) => value === 1))
})

test('popularity counts every event of the window, also of users that do not count', async () => {
  const { model } = await train(events, variant({ scoring: 'global' }))
  const ranks = Object.fromEntries(
    model.items.map((item, i) => [item, model.rankings[0]?.values[i]]),
  )
  assert.deepEqual(ranks, {
    'Iphone 5': 9,
    Galaxy: 8,
    'Iphone 4': 4,
    'Iphone 6': 2,
    'Ipad-retina': 2,
    Nexus: 2,
    Surface: 2,
  })
  assert.equal(model.rankings[0]?.name, 'popRank')
})

test('LLR: the only two values of the hand-made data, and those of Mahout', () => {
  assert.ok(Math.abs(logLikelihoodRatio(1, 1, 1, 3) - LARGE) < 1e-12)
  assert.ok(Math.abs(logLikelihoodRatio(1, 2, 2, 3) - SMALL) < 1e-12)
  assert.equal(logLikelihoodRatio(2, 2, 3, 3), 0)
  const mahout: [number, number, number, number, number][] = [
    [1, 2, 1, 4, 1.7260924347106847],
    [1, 1, 3, 4, 0.6795961471815897],
    [1, 1, 1, 4, 4.498681156950466],
    [2, 2, 2, 4, 5.545177444479561],
  ]
  for (const [k11, row, column, users, expected] of mahout) {
    assert.ok(Math.abs(logLikelihoodRatio(k11, row, column, users) - expected) < 1e-12)
  }
})

test('weighted by LLR: the square root, and no pair below chance', async () => {
  const { model } = await train(events, variant({ weights: 'llr' }))
  const lists = listsOf(model)
  const root = roundWeight(Math.sqrt(Math.fround(LARGE)))
  assert.deepEqual(lists['Iphone 6']?.purchase, [
    ['Ipad-retina', root],
    ['Iphone 4', roundWeight(Math.sqrt(Math.fround(SMALL)))],
  ])
  // Nexus and tablets occur together less often than chance in one of the lists of old.
  assert.deepEqual(Object.keys(lists.Galaxy ?? {}), [])
})
