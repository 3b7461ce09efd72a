// Given an engine with a `compatibility`; when a query is planned; then it means what the old engine would have made of it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Engine, ModelVersion } from '#schemas/directory'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'
import type { ScoredQuery } from '#schemas/query'
import { planQuery } from '../../serving/engines/universal/plan.ts'
import { parseUniversalQuery } from '../../serving/engines/universal/query.ts'
import { queryParams } from '../../serving/engines/universal/query-half.ts'
import { variantOf } from '../support/training.ts'

const NOW = Date.UTC(2025, 5, 1)

function plan(query: JsonObject, params: JsonObject): ScoredQuery {
  return planQuery({
    params: parseUniversal(variantOf({ indicators: [{ name: 'buy' }], ...params })),
    query: parseUniversalQuery(query).query,
    history: query.user === undefined ? [] : [{ event: 'buy', targetEntityId: 'a', eventTime: 9 }],
    lists: null,
    now: NOW,
  })
}

describe('Harness', () => {
  const HARNESS = { compatibility: 'harness-0.6' }

  test('available and not expired by the server’s time, each alone, strictly, beside a range', () => {
    const until = { field: 'until', after: NOW, before: null, includeBefore: false }
    const params = { ...HARNESS, expireDateName: 'until' }
    assert.deepEqual(plan({ currentDate: '2020-01-01' }, params).dates, [until])
    const dateRange = { name: 'date', before: '2025' }
    const { dates } = plan({ dateRange }, { ...params, availableDateName: 'from' })
    assert.deepEqual(
      dates.map(({ field, includeBefore }) => [field, includeBefore]),
      [
        ['date', false],
        ['from', false],
        ['until', false],
      ],
    )
  })

  test('a set counts as often as it has ids, with the engine’s bias', () => {
    const query = { itemSet: ['x', 'y', 'z'], itemSetBias: 9 }
    const [clause] = plan(query, { ...HARNESS, itemSetBias: 2 }).evidence
    assert.deepEqual([clause?.ids, clause?.boost], [['x', 'y', 'z'], 6])
  })

  test('a rule of the engine is dropped for one of the query of the same name', () => {
    const fields = [{ name: 'type', values: ['film'], bias: -1 }]
    const query = { fields: [{ name: 'type', values: ['book'], bias: -1 }] }
    const { rules } = plan(query, { ...HARNESS, fields })
    assert.deepEqual(rules, [{ field: 'type', values: ['book'], bias: -1 }])
  })

  test('sorts by the first ranking only', () => {
    const rankings = [
      { name: 'own', type: 'userDefined' },
      { name: 'pop', type: 'popular' },
    ]
    assert.deepEqual(plan({}, { rankings, ...HARNESS }).rankings, ['own'])
  })
})

test('compatibility none: a scoring of old with the queries of today', () => {
  const params = { scoring: 'global', compatibility: 'none', availableDateName: 'from' }
  const { scoring, evidence, dates } = plan({ user: 'u', userBias: -1 }, params)
  assert.deepEqual([scoring, evidence.every(({ must }) => must), dates.length], ['global', true, 1])
})

test('two fields of the engine with one name both count', () => {
  const fields = [
    { name: 'type', values: ['film'], bias: 0 },
    { name: 'type', values: ['book'], bias: -1 },
  ]
  const { rules } = plan({}, { fields })
  assert.deepEqual(
    rules.map(({ bias }) => bias),
    [0, -1],
  )
})

test('ur-0.7: a field that a query says twice counts once', () => {
  const fields = [
    { name: 'type', values: ['film'], bias: 2 },
    { name: 'type', values: ['film'], bias: 2 },
  ]
  assert.equal(plan({ fields }, { scoring: 'global' }).rules.length, 1)
  assert.equal(plan({ fields }, {}).rules.length, 2)
})

describe('rankings', () => {
  const rankings = [
    { name: 'own', type: 'userDefined' },
    { name: 'pop', type: 'popular' },
  ]

  test('weighted: in the configured order', () => {
    assert.deepEqual(plan({}, { rankings }).rankings, ['own', 'pop'])
  })

  test('global: in the order of the old engine', () => {
    assert.deepEqual(plan({}, { rankings, scoring: 'global' }).rankings, ['pop', 'own'])
  })
})

test('a new scoring in engine.json brings its semantics when a model has it, other parameters at once', () => {
  const variant = (params: JsonObject) => variantOf({ eventNames: ['buy'], ...params })
  const of = (newest: JsonObject, trained: JsonObject) => {
    const engine = { variant: variant(newest) } as unknown as Engine
    const { scoring, compatibility, oldQueryLimit, num } = queryParams(engine, {
      variant: variant(trained),
    } as unknown as ModelVersion)
    return { scoring, compatibility, oldQueryLimit, num }
  }
  const today = { scoring: 'weighted', compatibility: 'none', oldQueryLimit: null }
  assert.deepEqual(of({ scoring: 'es5', num: 7 }, {}), { ...today, num: 7 })
  const old = { scoring: 'es5', compatibility: 'ur-0.7', oldQueryLimit: 100, num: 20 }
  assert.deepEqual(of({}, { scoring: 'es5' }), old)
  assert.deepEqual(of({ scoring: 'es5', compatibility: 'none' }, { scoring: 'es5' }), {
    ...old,
    compatibility: 'none',
    oldQueryLimit: null,
  })
})
