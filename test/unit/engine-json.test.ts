// engine.json: old files as they stand, every default, and what is refused with what advice.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { asMillraceError } from '#ports/errors'
import { parseDuration } from '#schemas/engines/duration'
import { EngineJsonError } from '#schemas/engines/engine-json-error'
import { checkEngineId, parseEngineJson } from '#schemas/engines/parse'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'
import { editDistance, nearestName } from '#schemas/nearest-name'

const handmade = JSON.parse(
  readFileSync(new URL('../fixtures/ur-handmade/engine.json', import.meta.url), 'utf8'),
) as JsonObject

/** A small file with these parameters of the algorithm and these of the rest. */
const file = (params: JsonObject, top: JsonObject = {}, source: JsonObject = {}): JsonObject => ({
  engineFactory: 'universal',
  datasource: { params: { appName: 'shop', ...source } },
  algorithms: [{ name: 'ur', params: { eventNames: ['buy'], ...params } }],
  ...top,
})

const without = (object: JsonObject, name: string): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => key !== name)) as JsonObject

test('an old file works as it stands', () => {
  const parsed = parseEngineJson(handmade, 'engine.json')
  assert.deepEqual(parsed, {
    id: 'handmade-universal',
    description: 'Default settings',
    factory: 'universal',
    appName: 'handmade',
    variant: handmade,
  })
  const params = parseUniversal(handmade)
  assert.deepEqual(
    params.indicators.map(({ name }) => name),
    ['purchase', 'view', 'category-pref'],
  )
  assert.equal(params.minEventsPerUser, 3)
  assert.equal(params.num, 4)
  assert.equal(params.availableDateName, 'available')
  assert.equal(params.expireDateName, 'expires')
  assert.equal(params.dateName, 'date')
})

test('every default', () => {
  assert.deepEqual(parseUniversal(file({})), {
    appName: 'shop',
    indicators: [
      {
        name: 'buy',
        events: ['buy'],
        maxItemsPerUser: 500,
        maxQueryItems: 500,
        maxCorrelatorsPerItem: 50,
        minLlr: null,
      },
    ],
    minEventsPerUser: 1,
    scoring: 'weighted',
    weights: 'acos',
    compatibility: 'none',
    num: 20,
    blacklistEvents: ['buy'],
    userBias: 1,
    itemBias: 1,
    itemSetBias: 1,
    returnSelf: false,
    fields: [],
    rankings: [
      {
        name: 'popRank',
        type: 'popular',
        eventNames: ['buy'],
        duration: 3650 * 86_400_000,
        offsetDate: null,
      },
    ],
    recsModel: 'all',
    eventWindow: { duration: null, removeDuplicates: false },
    oldQueryLimit: null,
    availableDateName: null,
    expireDateName: null,
    dateName: null,
    seed: 0,
  })
})

test('every parameter of version 0.7 is read', () => {
  const params: JsonObject = {
    comment: 'for people',
    appName: 'shop',
    indexName: 'index',
    typeName: 'items',
    eventNames: ['buy', 'view'],
    maxEventsPerEventType: 300,
    maxCorrelatorsPerEventType: 20,
    maxQueryEvents: 100,
    num: 10,
    blacklistEvents: [],
    userBias: -1,
    itemBias: 2,
    itemSetBias: 0.5,
    returnSelf: true,
    fields: [{ name: 'category', values: ['a', 'b'], bias: -1 }],
    rankings: [
      { name: 'best', type: 'userDefined' },
      {
        type: 'popular',
        eventNames: ['view'],
        duration: '30 days',
        offsetDate: '2025-01-01T00:00:00Z',
        endDate: '2025-01-01T00:00:00Z',
      },
    ],
    recsModel: 'all',
    availableDateName: 'from',
    expireDateName: 'to',
    dateName: 'date',
    seed: 7,
    numESWriteConnections: 4,
  }
  const top = {
    id: 'default',
    sparkConf: { master: 'local' },
    version: '1',
    comment: 'x',
    _comment2: 'y',
  }
  const eventWindow = { duration: '3 days', removeDuplicates: true, compressProperties: true }
  const parsed = parseUniversal(file(params, top, { minEventsPerUser: 2, name: 'n', eventWindow }))
  assert.deepEqual(parsed.eventWindow, { duration: 3 * 86_400_000, removeDuplicates: true })
  assert.deepEqual(parsed.indicators[1], {
    name: 'view',
    events: ['view'],
    maxItemsPerUser: 300,
    maxQueryItems: 100,
    maxCorrelatorsPerItem: 20,
    minLlr: null,
  })
  assert.deepEqual(parsed.blacklistEvents, [])
  assert.deepEqual(
    [parsed.userBias, parsed.itemBias, parsed.itemSetBias, parsed.returnSelf, parsed.seed],
    [-1, 2, 0.5, true, 7],
  )
  assert.deepEqual(parsed.fields, [{ name: 'category', values: ['a', 'b'], bias: -1 }])
  assert.deepEqual(
    parsed.rankings.map(({ name, type, duration, offsetDate }) => [
      name,
      type,
      duration,
      offsetDate,
    ]),
    [
      ['best', 'userDefined', 3650 * 86_400_000, null],
      ['popRank', 'popular', 30 * 86_400_000, Date.UTC(2025, 0, 1)],
    ],
  )
})

test('ids: given, missing, made of the name of the app', () => {
  const idOf = (id: string | null, appName = 'shop') =>
    parseEngineJson(file({}, id === null ? {} : { id }, { appName }), 'e.json').id
  assert.equal(idOf('my-engine-1'), 'my-engine-1')
  assert.equal(idOf(null), 'shop-universal')
  assert.equal(idOf('default'), 'shop-universal')
  assert.equal(idOf(null, 'My Shop_é'), 'my-shop---universal')
  assert.equal(idOf(null, 'a'.repeat(100)), `${'a'.repeat(54)}-universal`)
  assert.equal(idOf(null, 'a'.repeat(100)).length, 64)
  assert.equal(checkEngineId('x-1', 'e.json'), 'x-1')
  assert.throws(() => checkEngineId('X 1', 'e.json'), EngineJsonError)
})

test('minLLR asks for weights by LLR', () => {
  const indicators = [{ name: 'buy', minLLR: 3 }]
  const rest = without((file({}).algorithms as [{ params: JsonObject }])[0].params, 'eventNames')
  const of = (params: JsonObject) => {
    const variant = file({})
    variant.algorithms = [{ name: 'ur', params: { ...rest, indicators, ...params } }]
    return parseUniversal(variant).weights
  }
  assert.equal(of({}), 'llr')
  assert.throws(() => of({ weights: 'acos' }), /minLLR needs/)
})

describe('how many events of a user count in a query', () => {
  const limits = (params: JsonObject): unknown => {
    const { indicators, oldQueryLimit } = parseUniversal(file(params))
    return [indicators[0].maxItemsPerUser, indicators[0].maxQueryItems, oldQueryLimit]
  }
  const listed = (more: JsonObject, params: JsonObject = {}): JsonObject => ({
    ...params,
    eventNames: null,
    indicators: [{ name: 'buy', ...more }],
  })

  test('today: maxItemsPerUser, and no more than maxQueryEvents', () => {
    assert.deepEqual(limits({}), [500, 500, null])
    assert.deepEqual(limits({ maxQueryEvents: 50 }), [500, 50, null])
    assert.deepEqual(limits(listed({ maxItemsPerUser: 30 })), [30, 30, null])
  })

  test('ur-0.7: a hundred with eventNames; maxQueryEvents cuts lists, and is reckoned with indicators', () => {
    const old = { scoring: 'global' }
    assert.deepEqual(limits({ ...old, maxEventsPerEventType: 300 }), [300, 100, 100])
    assert.deepEqual(limits({ ...old, maxQueryEvents: 7 }), [500, 100, 7])
    assert.deepEqual(limits(listed({}, { ...old, maxQueryEvents: 7 })), [500, 500, 1000])
    assert.deepEqual(limits(listed({ maxItemsPerUser: 30 }, old)), [30, 30, 300])
  })

  test('harness-0.6: one parameter with two defaults; maxQueryEvents has no effect', () => {
    const harness = { compatibility: 'harness-0.6', maxQueryEvents: 7 }
    assert.deepEqual(limits(listed({}, harness)), [500, 100, null])
    assert.deepEqual(limits(listed({ maxItemsPerUser: 30 }, harness)), [30, 30, null])
  })
})

test('aliases: events of other names are an indicator’s too, also where a ranking names it', () => {
  const indicators = [{ name: 'buy', aliases: ['purchase', 'buy'] }, { name: 'view' }]
  const rankings = [{ eventNames: ['view', 'buy'] }, { name: 'x', eventNames: ['purchase'] }]
  const params = parseUniversal(file({ eventNames: null, indicators, rankings }))
  assert.deepEqual(params.indicators[0].events, ['buy', 'purchase'])
  assert.deepEqual(params.blacklistEvents, ['buy'])
  assert.deepEqual(
    params.rankings.map(({ eventNames }) => eventNames),
    [['view', 'buy', 'purchase'], ['purchase']],
  )
})

test('recsModel: without rankings in collabFiltering', () => {
  const rankings = (recsModel: string) => parseUniversal(file({ recsModel })).rankings.length
  assert.deepEqual(['all', 'backfill', 'collabFiltering'].map(rankings), [1, 1, 0])
})

test('backfillField of version 0.3 is a ranking, its duration in seconds', () => {
  const backfillField = { backfillType: 'hot', eventNames: ['buy'], duration: 259_200 }
  assert.deepEqual(parseUniversal(file({ backfillField })).rankings, [
    { name: 'hotRank', type: 'hot', eventNames: ['buy'], duration: 259_200_000, offsetDate: null },
  ])
})

const indicator = (more: JsonObject): JsonObject => ({ indicators: [{ name: 'buy', ...more }] })
const ranking = (more: JsonObject): JsonObject => ({ rankings: [more] })
const P = 'algorithms[0].params'

/** The file, where it is wrong, and a word of the advice. */
const REFUSED: readonly [JsonObject | unknown, string, RegExp][] = [
  [[], 'the file', /Write an object/],
  [null, 'the file', /Write an object/],
  [without(file({}), 'engineFactory'), 'engineFactory', /"universal"/],
  [
    file({}, { engineFactory: 'com.actionml.RecomendationEngine' }),
    'engineFactory',
    /com\.actionml/,
  ],
  [file({}, { engineFactory: 5 }), 'engineFactory', /"…"/],
  [file({}, { id: 'My Engine' }), 'id', /my-engine/],
  [file({}, { datasorce: {} }), 'datasorce', /datasource/],
  [file({}, { engineId: 'x' }), 'engineId', /"id"/],
  [file({}, { datasource: {} }), 'datasource.params.appName', /"appName"/],
  [file({}, { datasource: { params: 5 } }), 'datasource.params', /object/],
  [file({}, { algorithms: [] }), 'algorithms', /"ur"/],
  [file({}, { algorithms: [{ name: 'als' }] }), 'algorithms[0].name', /"ur"/],
  [file({ appName: 'other' }), `${P}.appName`, /"shop"/],
  [file({ blackListEvents: [] }), `${P}.blackListEvents`, /blacklistEvents/],
  [file({ rules: [] }), `${P}.rules`, /"fields"/],
  [file({ eventNames: [] }), `${P}.indicators`, /primary event first/],
  [file({ eventNames: ['a', 'a'] }), `${P}.eventNames[1]`, /Remove one/],
  [file({ eventNames: ['$set'] }), `${P}.indicators[0].name`, /another event/],
  [file({}, {}, { eventNames: ['view'] }), 'datasource.params.eventNames', /"buy"/],
  [file({ num: 0 }), `${P}.num`, /from 1 to 10000/],
  [file({ num: '4' }), `${P}.num`, /number/],
  [file({ num: 1.5 }), `${P}.num`, /whole number/],
  [file({ returnSelf: 'yes' }), `${P}.returnSelf`, /true or false/],
  [file(indicator({ maxItemsPerUser: 100_001 })), `${P}.indicators[0].maxItemsPerUser`, /100000/],
  [
    file(indicator({ maxCorrelatorsPerItem: 0 })),
    `${P}.indicators[0].maxCorrelatorsPerItem`,
    /1000/,
  ],
  [file(indicator({ minLLR: -1 })), `${P}.indicators[0].minLLR`, /0 or more/],
  [file(indicator({ aliases: 'x' })), `${P}.indicators[0].aliases`, /list/],
  [file(indicator({ aliases: ['$set'] })), `${P}.indicators[0].aliases`, /another event/],
  [
    file({ eventNames: null, indicators: [{ name: 'a' }, { name: 'b', aliases: ['a'] }] }),
    `${P}.indicators[1].aliases`,
    /Remove it/,
  ],
  [
    file({ ...indicator({ aliases: ['x'] }), blacklistEvents: ['x'] }),
    `${P}.blacklistEvents[0]`,
    /Write "buy"/,
  ],
  [
    file(indicator({ maxIndicatorsPerQuery: 5 })),
    `${P}.indicators[0].maxIndicatorsPerQuery`,
    /maxItemsPerUser/,
  ],
  [file({ indicators: [{}] }), `${P}.indicators[0].name`, /"name"/],
  [file({ scoring: 'wieghted' }), `${P}.scoring`, /"weighted"/],
  [file({ weights: 'ease' }), `${P}.weights`, /"acos"/],
  [file({ recsModel: 'al' }), `${P}.recsModel`, /"all"/],
  [file({ compatibility: 'harnes-0.6' }), `${P}.compatibility`, /harness-0\.6/],
  [file({ backfillField: {}, rankings: [] }), `${P}.backfillField`, /Remove it/],
  [file({ backfillField: { type: 'hot' } }), `${P}.backfillField.type`, /backfillType/],
  [
    file({}, {}, { eventWindow: { duration: '3' } }),
    'datasource.params.eventWindow.duration',
    /"30 days"/,
  ],
  [
    file({}, {}, { eventWindow: { removeDuplicate: true } }),
    'datasource.params.eventWindow.removeDuplicate',
    /removeDuplicates/,
  ],
  [file(ranking({ type: 'populr' })), `${P}.rankings[0].type`, /"popular"/],
  [file(ranking({ duration: 259_200 })), `${P}.rankings[0].duration`, /"30 days"/],
  [file(ranking({ duration: '3 weeks' })), `${P}.rankings[0].duration`, /"30 days"/],
  [file(ranking({ offsetDate: 'today' })), `${P}.rankings[0].offsetDate`, /ISO 8601/],
  [file(ranking({ offsetDate: '2025-02-30' })), `${P}.rankings[0].offsetDate`, /ISO 8601/],
  [file(ranking({ eventNames: [] })), `${P}.rankings[0].eventNames`, /"buy"/],
  [file({ rankings: [{}, {}] }), `${P}.rankings[1].name`, /own name/],
  [file({ fields: [{ values: ['a'], bias: 1 }] }), `${P}.fields[0].name`, /"name"/],
  [file({ fields: [{ name: 'a', values: [], bias: 1 }] }), `${P}.fields[0].values`, /"values"/],
  [file({ fields: [{ name: 'a', values: ['b'] }] }), `${P}.fields[0].bias`, /below 0/],
  [file({ fields: {} }), `${P}.fields`, /list/],
]

for (const [json, path, mend] of REFUSED) {
  test(`refused at ${path}: ${JSON.stringify(json).slice(0, 120)}`, () => {
    try {
      parseEngineJson(json, 'my/engine.json')
    } catch (thrown) {
      assert.ok(thrown instanceof EngineJsonError, String(thrown))
      const error = asMillraceError(thrown)
      assert.equal(error.code, 'ENGINE_JSON_INVALID')
      assert.equal(thrown.details.path, path)
      assert.ok(error.message.startsWith(`my/engine.json: ${path}: `), error.message)
      assert.match(error.hint, mend)
      return
    }
    assert.fail('it was taken')
  })
}

test('durations as Scala writes them', () => {
  const seconds = (text: string) => (parseDuration(text) ?? Number.NaN) / 1000
  assert.deepEqual(
    [
      '3650 days',
      '1 day',
      '12h',
      '2 hours',
      '90 minutes',
      '1 min',
      '5 s',
      '1500 millis',
      '1.5 days',
    ].map(seconds),
    [315_360_000, 86_400, 43_200, 7200, 5400, 60, 5, 1, 129_600],
  )
  for (const text of ['', 'days', '5', '-1 day', '0 days', '500 ms', 'Inf', '3 weeks']) {
    assert.equal(parseDuration(text), null, text)
  }
})

test('the nearest name: swaps, cases, and none when all are far', () => {
  assert.equal(editDistance('abcd', 'acbd'), 1)
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('kitten', 'sitting'), 3)
  assert.equal(nearestName('ITEMBIAS', ['itemBias', 'userBias']), 'itemBias')
  assert.equal(nearestName('zzz', ['itemBias', 'userBias']), null)
})
