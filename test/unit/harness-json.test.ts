// Harness' own configuration of an engine: taken as it stands, and faults named where they stand in it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EngineJsonError } from '#schemas/engines/engine-json-error'
import { parseEngineJson } from '#schemas/engines/parse'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'

const config = (algorithm: JsonObject = {}, top: JsonObject = {}): JsonObject => ({
  engineId: 'test_ur',
  engineFactory: 'com.actionml.engines.ur.UREngine',
  sparkConf: { master: 'local', 'es.nodes': 'localhost' },
  algorithm: { indicators: [{ name: 'buy' }, { name: 'view' }], ...algorithm },
  ...top,
})

const paramsOf = (json: JsonObject) => parseUniversal(parseEngineJson(json, 'ur.json').variant)

test('an app of its own, a name of our kind, Harness’ queries', () => {
  const { id, appName, factory } = parseEngineJson(config(), 'ur.json')
  assert.deepEqual([id, appName, factory], ['test-ur', 'test_ur', 'universal'])
  const params = paramsOf(config())
  assert.equal(params.compatibility, 'harness-0.6')
  assert.equal(params.scoring, 'weighted')
  assert.equal(params.indicators[0].maxQueryItems, 100)
  assert.equal(paramsOf(config({}, { sharedDBName: 'all' })).appName, 'all')
})

test('what is registered reads back the same', () => {
  const { variant, ...first } = parseEngineJson(config({ scoring: 'es7' }), 'ur.json')
  assert.deepEqual(parseEngineJson(variant, 'again'), { ...first, variant })
})

test('every parameter in Harness’ words', () => {
  const params = paramsOf(
    config(
      {
        comment: 'for people',
        indicators: [
          { name: 'buy', aliases: ['purchase'], maxIndicatorsPerQuery: 7, minLLR: 2 },
          { name: 'view', maxCorrelatorsPerItem: 9 },
        ],
        blacklistIndicators: [],
        rules: [{ name: 'type', values: ['film'], bias: -1 }],
        rankings: [{ name: 'best', type: 'trending', indicatorNames: ['view'] }],
        num: 6,
        userBias: 2,
        itemBias: 3,
        itemSetBias: 4,
        returnSelf: true,
        recsModel: 'collabFiltering',
        maxQueryEvents: 5,
        availableDateName: 'from',
        expireDateName: 'until',
        seed: 9,
      },
      { dataset: { ttl: '3 days' }, mirrorType: 'localfs', mirrorContainer: 'm' },
    ),
  )
  const [buy, view] = params.indicators
  assert.deepEqual(buy.events, ['buy', 'purchase'])
  assert.deepEqual([buy.maxItemsPerUser, buy.maxQueryItems, buy.minLlr], [7, 7, 2])
  assert.equal(view?.maxCorrelatorsPerItem, 9)
  assert.deepEqual(params.fields, [{ name: 'type', values: ['film'], bias: -1 }])
  const { name, type, eventNames } = params.rankings[0] ?? {}
  assert.deepEqual([name, type, eventNames], ['best', 'trending', ['view']])
  assert.deepEqual([params.num, params.userBias, params.seed], [6, 2, 9])
  // These Harness reads without effect.
  assert.deepEqual(
    [params.returnSelf, params.recsModel, params.oldQueryLimit],
    [false, 'all', null],
  )
  assert.deepEqual([params.availableDateName, params.expireDateName], ['from', 'until'])
  assert.equal(params.eventWindow.duration, 3 * 86_400_000)
})

const REFUSED: readonly [JsonObject, path: string, mend: RegExp][] = [
  [config({}, { engineId: 7 }), 'engineId', /"engineId"/],
  [config({}, { mirorType: 'x' }), 'mirorType', /mirrorType/],
  [config({}, { dataset: { ttl: 'x' } }), 'dataset.ttl', /"30 days"/],
  [config({}, { dataset: { tll: '3 days' } }), 'dataset.tll', /ttl/],
  [config({}, { engineFactory: 'UREngine' }), 'engineFactory', /Did you mean/],
  [config({ fields: [] }), 'algorithm.fields', /"rules"/],
  [config({ eventNames: ['buy'] }), 'algorithm.eventNames', /indicators/],
  [config({ num: 'x' }), 'algorithm.num', /number/],
  [config({ nun: 1 }), 'algorithm.nun', /num/],
  [config({ recsModel: 'backfill' }), 'algorithm.recsModel', /"all"/],
  [config({ rules: [{ name: 'a', values: ['b'] }] }), 'algorithm.rules[0].bias', /below 0/],
  [
    config({ indicators: [{ name: 'buy', maxIndicatorsPerQuery: 0 }] }),
    'algorithm.indicators[0].maxIndicatorsPerQuery',
    /from 1/,
  ],
  [config({ rankings: [{ indicatorNames: [] }] }), 'algorithm.rankings[0].indicatorNames', /"buy"/],
  [
    config({}, { sparkConf: { master: 'system.env.SPARK_MASTER' } }),
    'sparkConf.master',
    /Write its value/,
  ],
]

for (const [json, path, mend] of REFUSED) {
  test(`refused at ${path}`, () => {
    assert.throws(
      () => parseEngineJson(json, 'ur.json'),
      (error) => {
        assert.ok(error instanceof EngineJsonError, String(error))
        assert.equal(error.details.path, path)
        assert.match(error.details.mend, mend)
        return true
      },
    )
  })
}
