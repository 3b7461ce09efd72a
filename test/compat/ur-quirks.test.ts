// What the Universal Recommender and Harness did that nobody would build so again: kept for engines that ask for it
// (`ur-0.7`, which the scorings of old bring with them, and `harness-0.6`), mended for all others. One test a quirk.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HistoryEvent } from '#ports/event-store'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'
import type { Model } from '#schemas/model'
import type { ScoredQuery } from '#schemas/query'
import { historyEvents } from '../../serving/engines/universal/history.ts'
import { planQuery } from '../../serving/engines/universal/plan.ts'
import { parseUniversalQuery } from '../../serving/engines/universal/query.ts'
import { did, listsOf, type TrainingEvent, train, variantOf } from '../support/training.ts'

const NOW = Date.UTC(2025, 5, 1)

/** The engine of today, of the Universal Recommender 0.7, and of Harness 0.6. */
const KINDS = {
  today: { scoring: 'global', compatibility: 'none' },
  old: { scoring: 'global' },
  harness: { scoring: 'global', compatibility: 'harness-0.6' },
} as const
type Kind = keyof typeof KINDS

const paramsOf = (kind: Kind, params: JsonObject, source: JsonObject = {}) =>
  parseUniversal(variantOf({ indicators: [{ name: 'buy' }], ...KINDS[kind], ...params }, source))

const bought = (...ids: string[]): HistoryEvent[] =>
  ids.map((id, i) => ({ event: 'buy', targetEntityId: id, eventTime: NOW - i }))

function plan(
  kind: Kind,
  query: JsonObject,
  params: JsonObject = {},
  history: readonly HistoryEvent[] = bought('a'),
): ScoredQuery {
  const ids = ['x', 'y', 'z']
  return planQuery({
    params: paramsOf(kind, params),
    query: parseUniversalQuery(query).query,
    history,
    lists: { item: 'i', lists: [{ indicator: 'buy', ids, weights: ids.map(() => 1) }] },
    now: NOW,
  })
}

/** The same of each kind of engine. */
const each = <T>(of: (kind: Kind) => T): readonly [today: T, old: T, harness: T] => [
  of('today'),
  of('old'),
  of('harness'),
]

const modelOf = async (
  kind: Kind | 'weighted',
  events: readonly TrainingEvent[],
  params: JsonObject,
): Promise<Model> => {
  const scoring = kind === 'weighted' ? {} : KINDS[kind]
  return (await train(events, variantOf({ ...scoring, ...params }))).model
}

describe('trainings', () => {
  // u1 has one item too many; the newest two of them are a and b.
  const tooMany = [
    ...['c', 'b', 'a'].map((item, i) => did('u1', 'buy', item, i)),
    ...['a', 'b'].map((item) => did('u2', 'buy', item)),
    did('u3', 'buy', 'c'),
    did('u4', 'buy', 'd'),
  ]
  const limit = { indicators: [{ name: 'buy', maxItemsPerUser: 2 }] }

  test('a user above the limit loses everything; today the newest ids stay', async () => {
    const lists = async (kind: Kind, events = tooMany) =>
      listsOf(await modelOf(kind, events, limit))
    const without = tooMany.filter(({ entityId }) => entityId !== 'u1')
    // The lost user still is one of those that chance is reckoned with.
    const lost = [...without, did('u1', 'buy', 'e')]
    for (const kind of ['old', 'harness'] as const) {
      const { e: _e, ...expected } = await lists(kind, lost)
      assert.deepEqual(await lists(kind), expected, kind)
    }
    const newest = tooMany.filter((e) => e.entityId !== 'u1' || e.targetEntityId !== 'c')
    assert.deepEqual(await lists('today'), await lists('today', newest))
  })

  test('a crowded id is sampled, by a hash and not by chance; today it is not', async () => {
    const events = Array.from({ length: 40 }, (_, i) => [
      did(`u${i}`, 'buy', 'all'),
      did(`u${i}`, 'buy', i < 20 ? 'half' : 'other'),
      did(`v${i}`, 'buy', 'more'),
    ]).flat()
    const params = { indicators: [{ name: 'buy', maxItemsPerUser: 30 }] }
    const lists = async (kind: Kind) => listsOf(await modelOf(kind, events, params))
    const unlimited = listsOf(await modelOf('old', events, { eventNames: ['buy'] }))
    assert.deepEqual(await lists('today'), unlimited)
    assert.deepEqual(await lists('old'), await lists('old'))
    const pairs = async (kind: Kind): Promise<number> => {
      const { counts } = await train(events, variantOf({ ...KINDS[kind], ...params }))
      return counts.pairs ?? 0
    }
    assert.equal(await pairs('today'), 120)
    assert.ok((await pairs('old')) < 120)
  })

  test('targets of any type are ranked and recommended; today and in Harness only items', async () => {
    const page = { ...did('u', 'view', 'page'), targetEntityType: 'page' }
    const rankings = [{ eventNames: ['buy', 'view'] }]
    const items = (kind: Kind) =>
      modelOf(kind, [did('u', 'buy', 'a'), page], { eventNames: ['buy'], rankings }).then(
        (model) => model.items,
      )
    assert.deepEqual(await items('old'), ['a', 'page'])
    assert.deepEqual(await items('today'), ['a'])
    assert.deepEqual(await items('harness'), ['a'])
  })

  test('what occurs together less than chance has it is evidence; in weighted it is not', async () => {
    // a and b: together once, though nearly everybody has one of them.
    const events = [
      ...['u1', 'u2', 'u3', 'u4'].map((user) => did(user, 'buy', 'a')),
      ...['u4', 'u5', 'u6', 'u7'].map((user) => did(user, 'buy', 'b')),
    ]
    const found = async (kind: Kind | 'weighted') =>
      Object.keys(
        listsOf(await modelOf(kind, events, { eventNames: ['buy'], weights: 'llr' })).a ?? {},
      )
    assert.deepEqual(await found('old'), ['buy'])
    assert.deepEqual(await found('harness'), ['buy'])
    assert.deepEqual(await found('weighted'), [])
  })

  test('an indicator without events does not shift the parameters of the next, in any engine', async () => {
    const pairs = ['u1', 'u2', 'u3'].flatMap((user) => [
      did(user, 'buy', user),
      ...[0, 1, 2].map((n) => did(user, 'view', `${user}-${n}`)),
    ])
    const indicators = [
      { name: 'buy' },
      { name: 'like', maxCorrelatorsPerItem: 1 },
      { name: 'view', maxCorrelatorsPerItem: 3 },
    ]
    for (const kind of ['today', 'old', 'harness'] as const) {
      assert.equal(listsOf(await modelOf(kind, pairs, { indicators })).u1?.view?.length, 3)
    }
  })
})

describe('rules and biases', () => {
  const fields = (bias: number) => ({ fields: [{ name: 'type', values: ['film'], bias }] })
  const biases = (query: JsonObject, params: JsonObject) =>
    each((kind) => plan(kind, query, params).rules.map(({ bias }) => bias))

  test('fields of engine.json above 0 are filters; below 0 they filter too, as documented', () => {
    assert.deepEqual(biases({}, fields(3)), [[3], [-1], [3]])
    assert.deepEqual(biases({}, fields(0)), [[0], [0], [0]])
    assert.deepEqual(biases({}, fields(-2)), [[-2], [-2], [-2]])
    assert.deepEqual(biases(fields(3), {}), [[3], [3], [3]])
  })

  test('fields of engine.json stand beside a query’s of the same name; else they are replaced', () => {
    assert.deepEqual(biases(fields(5), fields(0)), [[5], [5, 0], [5]])
  })

  const clause = (query: JsonObject, params: JsonObject) =>
    each((kind) => {
      const [first] = plan(kind, { user: 'u', ...query }, params).evidence
      return first === undefined ? 'none' : first.must ? 'must' : first.boost
    })

  test('a negative bias filters in engine.json and is neutral in a query; today it always filters', () => {
    assert.deepEqual(clause({}, { userBias: -2 }), ['must', 'must', 'must'])
    assert.deepEqual(clause({ userBias: -2 }, {}), ['must', 1, 1])
    assert.deepEqual(clause({ userBias: 3 }, { userBias: -2 }), [3, 'must', 'must'])
  })

  test('a bias of 0 is neutral; today it leaves the evidence out', () => {
    assert.deepEqual(clause({ userBias: 0 }, {}), ['none', 1, 1])
    assert.deepEqual(clause({}, { userBias: 0 }), ['none', 1, 1])
  })

  test('a filter without ids lets nothing through; today it is left out', () => {
    const evidence = each((kind) => plan(kind, { user: 'u' }, { userBias: -1 }, []).evidence.length)
    assert.deepEqual(evidence, [0, 1, 1])
  })
})

describe('how much of a user and an item counts', () => {
  const shortcut = (params: JsonObject = {}) => ({
    indicators: null,
    eventNames: ['buy', 'view'],
    ...params,
  })

  test('maxQueryEvents cuts the list of events and an item’s list, by one too many; today it is what it says', () => {
    const params = shortcut({ maxQueryEvents: 2 })
    const history = [...bought('a', 'b', 'c'), { event: 'view', targetEntityId: 'v', eventTime: 1 }]
    const ids = (kind: Kind) =>
      plan(kind, { user: 'u', item: 'i' }, params, history).evidence.map((e) => e.ids)
    assert.deepEqual(ids('today'), [['a', 'b'], ['v'], ['x', 'y', 'z']])
    assert.deepEqual(ids('old'), [['a', 'b', 'c'], ['x']])
    assert.deepEqual(ids('harness'), [['a', 'b', 'c'], ['v'], ['x', 'y', 'z']])
  })

  test('with eventNames a hundred events count in a query; today as many as in the training', () => {
    const many = bought(...Array.from({ length: 600 }, (_, i) => `i${i}`))
    const counted = each(
      (kind) => plan(kind, { user: 'u' }, shortcut(), many).evidence[0]?.ids.length,
    )
    assert.deepEqual(counted, [500, 100, 500])
  })

  test('the newest N events count; today the newest N ids', () => {
    const params = { indicators: [{ name: 'buy', maxItemsPerUser: 2 }] }
    const ids = each(
      (kind) => plan(kind, { user: 'u' }, params, bought('a', 'a', 'b')).evidence[0]?.ids,
    )
    assert.deepEqual(ids, [['a', 'b'], ['a'], ['a']])
  })
})

describe('rankings, dates, blacklist', () => {
  test('several rankings go by type, in Harness only the first; today by the file', () => {
    const rankings = ['random', 'hot', 'popular'].map((type) => ({ type }))
    rankings.push({ type: 'popular', name: 'second' } as { type: string })
    assert.deepEqual(
      each((kind) => plan(kind, {}, { rankings }).rankings),
      [
        ['uniqueRank', 'hotRank', 'popRank', 'second'],
        ['popRank', 'second', 'hotRank', 'uniqueRank'],
        ['uniqueRank'],
      ],
    )
  })

  test('one of the two dates alone is not tested; today and in Harness it is', () => {
    const dates = each((kind) =>
      plan(kind, {}, { expireDateName: 'until' }).dates.map(({ field }) => field),
    )
    assert.deepEqual(dates, [['until'], [], ['until']])
  })

  test('a dateRange takes the place of the availability, but for Harness', () => {
    const params = { availableDateName: 'from', expireDateName: 'until' }
    const query = { dateRange: { name: 'date', after: '2025-01-01' } }
    const dates = each((kind) => plan(kind, query, params).dates.map(({ field }) => field))
    assert.deepEqual(dates, [['date'], ['date'], ['date', 'from', 'until']])
  })

  test('eventNames of a query choose what is blacklisted too; today evidence only', () => {
    const params = { indicators: [{ name: 'buy' }, { name: 'view' }] }
    const excluded = each(
      (kind) => plan(kind, { user: 'u', eventNames: ['view'] }, params).excludeIds,
    )
    assert.deepEqual(excluded, [['a'], [], []])
  })

  test('blacklistEvents that are no indicators were never read; they count in every engine', () => {
    const history = [{ event: 'hide', targetEntityId: 'h', eventTime: 1 }]
    const params = { blacklistEvents: ['hide'] }
    for (const kind of ['today', 'old', 'harness'] as const) {
      assert.deepEqual(plan(kind, { user: 'u' }, params, history).excludeIds, ['h'])
      const wanted = historyEvents(paramsOf(kind, params), parseUniversalQuery({ user: 'u' }).query)
      assert.ok(wanted.some(({ event }) => event === 'hide'))
    }
  })
})
