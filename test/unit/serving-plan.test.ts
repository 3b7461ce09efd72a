// Given parameters, a history and lists; when a query is planned; then this is what the index is asked.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HistoryEvent } from '#ports/event-store'
import type { ItemLists } from '#ports/item-index'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'
import type { ScoredQuery } from '#schemas/query'
import { historyEvents } from '../../serving/engines/universal/history.ts'
import { planQuery } from '../../serving/engines/universal/plan.ts'
import { parseUniversalQuery } from '../../serving/engines/universal/query.ts'
import { variantOf } from '../support/training.ts'

const NOW = Date.UTC(2025, 5, 1)
const INDICATORS = [{ name: 'buy' }, { name: 'view' }]

const event = (name: string, targetEntityId: string, eventTime = 0): HistoryEvent => ({
  event: name,
  targetEntityId,
  eventTime,
})

/** Newest first: bought a, then c; saw a, b and a again. */
const HISTORY = [
  event('buy', 'a', 9),
  event('view', 'a', 8),
  event('view', 'b', 7),
  event('buy', 'c', 6),
  event('view', 'a', 5),
]

const LISTS: ItemLists = {
  item: 'a',
  lists: [
    { indicator: 'buy', ids: ['p', 'q'], weights: [2, 1] },
    { indicator: 'view', ids: ['r'], weights: [1] },
  ],
}

interface Given {
  readonly params?: JsonObject
  readonly history?: readonly HistoryEvent[]
  readonly lists?: ItemLists | null
}

function plan(query: JsonObject, given: Given = {}): ScoredQuery {
  return planQuery({
    params: parseUniversal(variantOf({ indicators: INDICATORS, ...given.params })),
    query: parseUniversalQuery(query).query,
    history: given.history ?? (query.user === undefined ? [] : HISTORY),
    lists: given.lists ?? (query.item === 'a' ? LISTS : null),
    now: NOW,
  })
}

/** indicator:ids·boost, with `!` for a filter. */
const evidence = (query: ScoredQuery): string[] =>
  query.evidence.map(
    ({ source, indicator, ids, boost, must }) =>
      `${source} ${indicator}:${ids.join('+')}${boost === 1 ? '' : `·${boost}`}${must ? '!' : ''}`,
  )

const GLOBAL = { scoring: 'global' }

describe('a query without a member', () => {
  test('asks for the ranking alone, one page of the default size', () => {
    assert.deepEqual(plan({}), {
      scoring: 'weighted',
      evidence: [],
      rules: [],
      dates: [],
      excludeIds: [],
      from: 0,
      num: 20,
      rankings: ['popRank'],
      withRanks: false,
      explain: false,
    })
  })

  test('takes page size and scoring from the engine', () => {
    const { num, scoring } = plan({}, { params: { num: 4, ...GLOBAL } })
    assert.deepEqual([num, scoring], [4, 'global'])
  })

  test('num, from, withRanks and explain are the query’s', () => {
    const { num, from, withRanks, explain } = plan({
      num: 0,
      from: 7,
      withRanks: true,
      explain: true,
    })
    assert.deepEqual([num, from, withRanks, explain], [0, 7, true, true])
  })
})

for (const scoring of ['weighted', 'global']) {
  const given = { params: { scoring } }
  describe(`evidence in ${scoring}`, () => {
    test('user: one clause an indicator, distinct ids, newest first', () => {
      assert.deepEqual(evidence(plan({ user: 'u' }, given)), ['user buy:a+c', 'user view:a+b'])
    })

    test('user without history: none', () => {
      assert.deepEqual(evidence(plan({ user: 'u' }, { ...given, history: [] })), [])
    })

    test('eventNames choose which events of the user count', () => {
      assert.deepEqual(evidence(plan({ user: 'u', eventNames: ['view'] }, given)), [
        'user view:a+b',
      ])
      assert.deepEqual(evidence(plan({ user: 'u', eventNames: [] }, given)), [])
      assert.deepEqual(evidence(plan({ user: 'u', eventNames: ['like'] }, given)), [])
    })

    test('item: its own lists, with their ids', () => {
      assert.deepEqual(evidence(plan({ item: 'a' }, given)), ['item buy:p+q', 'item view:r'])
    })

    test('an item without lists: none', () => {
      assert.deepEqual(evidence(plan({ item: 'zzz' }, given)), [])
    })

    test('item set: one clause on the primary indicator, each id once', () => {
      assert.deepEqual(evidence(plan({ itemSet: ['x', 'y', 'x'] }, given)), ['itemSet buy:x+y'])
      assert.deepEqual(evidence(plan({ itemSet: [] }, given)), [])
    })

    test('user, item and set together: all their clauses', () => {
      assert.deepEqual(evidence(plan({ user: 'u', item: 'a', itemSet: ['x'] }, given)), [
        'user buy:a+c',
        'user view:a+b',
        'item buy:p+q',
        'item view:r',
        'itemSet buy:x',
      ])
    })

    test('itemSetBias: the query’s, else the engine’s; 0 leaves the set out', () => {
      const engine = { params: { ...given.params, itemSetBias: 4 } }
      assert.deepEqual(evidence(plan({ itemSet: ['x'] }, engine)), ['itemSet buy:x·4'])
      assert.deepEqual(evidence(plan({ itemSet: ['x'], itemSetBias: 2 }, engine)), [
        'itemSet buy:x·2',
      ])
      assert.deepEqual(evidence(plan({ itemSet: ['x'], itemSetBias: 0 }, engine)), [])
    })

    test('userBias and itemBias above 0: the query’s, else the engine’s', () => {
      const engine = { params: { ...given.params, userBias: 2, itemBias: 3 } }
      assert.deepEqual(evidence(plan({ user: 'u', item: 'a' }, engine)), [
        'user buy:a+c·2',
        'user view:a+b·2',
        'item buy:p+q·3',
        'item view:r·3',
      ])
      const query = { user: 'u', item: 'a', userBias: 5, itemBias: 1 }
      assert.deepEqual(evidence(plan(query, engine)), [
        'user buy:a+c·5',
        'user view:a+b·5',
        'item buy:p+q',
        'item view:r',
      ])
    })

    test('an engine’s negative bias makes filters, one an event type', () => {
      const engine = { params: { ...given.params, userBias: -1, itemBias: -7 } }
      assert.deepEqual(evidence(plan({ user: 'u', item: 'a' }, engine)), [
        'user buy:a+c!',
        'user view:a+b!',
        'item buy:p+q!',
        'item view:r!',
      ])
    })
  })
}

describe('biases where the two scorings differ', () => {
  test('weighted: a query’s 0 leaves the evidence out, a negative one filters', () => {
    const query = { user: 'u', item: 'a', userBias: 0, itemBias: -1 }
    assert.deepEqual(evidence(plan(query)), ['item buy:p+q!', 'item view:r!'])
  })

  test('global: a query’s 0 or negative bias is neutral', () => {
    const query = { user: 'u', item: 'a', userBias: 0, itemBias: -1 }
    const engine = { params: { ...GLOBAL, userBias: 3 } }
    assert.deepEqual(evidence(plan(query, engine)), [
      'user buy:a+c',
      'user view:a+b',
      'item buy:p+q',
      'item view:r',
    ])
  })

  test('global: where the engine filters, a query’s bias cannot change it', () => {
    const engine = { params: { ...GLOBAL, userBias: -1 } }
    assert.deepEqual(evidence(plan({ user: 'u', userBias: 4 }, engine)), [
      'user buy:a+c!',
      'user view:a+b!',
    ])
  })

  test('a filter without ids: nothing matches in global, left out in weighted', () => {
    const history = [event('view', 'b')]
    const filter = { userBias: -1 }
    assert.deepEqual(evidence(plan({ user: 'u' }, { history, params: { ...GLOBAL, ...filter } })), [
      'user buy:!',
      'user view:b!',
    ])
    assert.deepEqual(evidence(plan({ user: 'u' }, { history, params: filter })), ['user view:b!'])
  })
})

describe('how much of a history counts', () => {
  const params = { indicators: [{ name: 'buy', maxItemsPerUser: 2 }] }
  const history = ['a', 'a', 'b', 'c'].map((id) => event('buy', id))

  test('weighted: the newest N distinct ids', () => {
    assert.deepEqual(evidence(plan({ user: 'u' }, { params, history })), ['user buy:a+b'])
  })

  test('global: the newest N events, then distinct', () => {
    const given = { params: { ...params, ...GLOBAL }, history }
    assert.deepEqual(evidence(plan({ user: 'u' }, given)), ['user buy:a'])
  })

  const read = (more: JsonObject, query: JsonObject = {}) =>
    Object.fromEntries(
      historyEvents(
        parseUniversal(variantOf({ indicators: INDICATORS, ...more })),
        parseUniversalQuery(query).query,
      ).map(({ event: name, limit }) => [name, limit]),
    )

  test('read are indicators and blacklist, the blacklist up to the limit of a history', () => {
    assert.deepEqual(read(GLOBAL), { buy: 10_000, view: 500 })
    assert.deepEqual(read({}), { buy: 10_000, view: 2_000 })
    assert.deepEqual(read({ blacklistEvents: [] }), { buy: 2_000, view: 2_000 })
    assert.deepEqual(read({ ...GLOBAL, blacklistEvents: ['hide'] }), {
      buy: 500,
      view: 500,
      hide: 10_000,
    })
  })

  test('maxItemsPerUser may ask for more than that limit', () => {
    const indicators = [
      { name: 'buy', maxItemsPerUser: 20_000 },
      { name: 'view', maxItemsPerUser: 3_000 },
    ]
    assert.deepEqual(read({ indicators }), { buy: 20_000, view: 10_000 })
    assert.deepEqual(read({ indicators, ...GLOBAL }), { buy: 20_000, view: 3_000 })
  })

  test('eventNames limit what is read; in weighted the blacklist is read all the same', () => {
    assert.deepEqual(read(GLOBAL, { eventNames: ['view'] }), { view: 500 })
    assert.deepEqual(read({}, { eventNames: ['view'] }), { view: 2_000, buy: 10_000 })
  })
})

describe('fields', () => {
  const ENGINE = [{ name: 'type', values: ['film'], bias: -1 }]
  const shown = (query: ScoredQuery): string[] =>
    query.rules.map(({ field, values, bias }) => `${field}:${values.join('+')}·${bias}`)
  const field = (name: string, bias: number, ...values: string[]): JsonObject => ({
    name,
    bias,
    values,
  })

  test('those of the query, then those of the engine', () => {
    const query = { fields: [field('year', 2, '1999', '2000'), field('tag', 0, 'x')] }
    for (const scoring of ['weighted', 'global']) {
      assert.deepEqual(shown(plan(query, { params: { scoring, fields: ENGINE } })), [
        'year:1999+2000·2',
        'tag:x·0',
        'type:film·-1',
      ])
    }
  })

  test('weighted: the query’s replace the engine’s of the same name', () => {
    const query = { fields: [field('type', -1, 'book'), field('type', 0, 'old')] }
    assert.deepEqual(shown(plan(query, { params: { fields: ENGINE } })), [
      'type:book·-1',
      'type:old·0',
    ])
  })

  test('global: both count, an equal one once', () => {
    const params = { ...GLOBAL, fields: ENGINE }
    assert.deepEqual(shown(plan({ fields: [field('type', -1, 'book')] }, { params })), [
      'type:book·-1',
      'type:film·-1',
    ])
    assert.deepEqual(shown(plan({ fields: [field('type', -1, 'film')] }, { params })), [
      'type:film·-1',
    ])
  })
})

describe('dates', () => {
  const BOTH = { availableDateName: 'from', expireDateName: 'until' }
  const range = { name: 'date', after: '2025-01-01T00:00:00Z', before: '2025-02-01T00:00:00Z' }

  test('available and not expired now, if both names are configured', () => {
    assert.deepEqual(plan({}, { params: BOTH }).dates, [
      { field: 'from', after: null, before: NOW, includeBefore: true },
      { field: 'until', after: NOW, before: null, includeBefore: false },
    ])
  })

  const available = { field: 'from', after: null, before: NOW, includeBefore: true }
  const unexpired = { field: 'until', after: NOW, before: null, includeBefore: false }

  test('one name alone is tested alone; in the old semantics it asks for nothing', () => {
    assert.deepEqual(plan({}, { params: { availableDateName: 'from' } }).dates, [available])
    assert.deepEqual(plan({}, { params: { expireDateName: 'until' } }).dates, [unexpired])
    for (const one of [{ availableDateName: 'from' }, { expireDateName: 'until' }]) {
      assert.deepEqual(plan({}, { params: { ...one, ...GLOBAL } }).dates, [])
    }
    assert.equal(plan({}, { params: { ...BOTH, ...GLOBAL } }).dates.length, 2)
  })

  test('several ranges must all hold', () => {
    const dateRange = [range, { name: 'other', before: '2025-05-01' }]
    const { dates } = plan({ dateRange }, { params: BOTH })
    assert.deepEqual(
      dates.map(({ field }) => field),
      ['date', 'other'],
    )
  })

  test('currentDate stands in for now', () => {
    const { dates } = plan({ currentDate: '2025-03-01T00:00:00Z' }, { params: BOTH })
    const date = Date.UTC(2025, 2, 1)
    assert.deepEqual([dates[0]?.before, dates[1]?.after], [date, date])
  })

  test('dateRange is strict and replaces all that', () => {
    const query = { dateRange: range, currentDate: '2025-03-01T00:00:00Z' }
    assert.deepEqual(plan(query, { params: BOTH }).dates, [
      {
        field: 'date',
        after: Date.UTC(2025, 0, 1),
        before: Date.UTC(2025, 1, 1),
        includeBefore: false,
      },
    ])
  })

  test('dateRange with one bound; without any it is none', () => {
    const { dates } = plan({ dateRange: { name: 'date', after: range.after } })
    assert.deepEqual([dates[0]?.after, dates[0]?.before], [Date.UTC(2025, 0, 1), null])
    assert.equal(plan({ dateRange: { name: 'date' } }, { params: BOTH }).dates.length, 2)
  })
})

describe('what is left out', () => {
  const excluded = (query: JsonObject, params: JsonObject = {}): string[] => [
    ...plan(query, { params }).excludeIds,
  ]

  test('targets of blacklisted events, by default the primary one', () => {
    assert.deepEqual(excluded({ user: 'u' }), ['a', 'c'])
    assert.deepEqual(excluded({ user: 'u' }, { blacklistEvents: ['view'] }), ['a', 'b'])
    assert.deepEqual(excluded({ user: 'u' }, { blacklistEvents: [] }), [])
  })

  test('all of them, also beyond maxItemsPerUser', () => {
    const indicators = [{ name: 'buy', maxItemsPerUser: 1 }]
    const query = plan({ user: 'u' }, { params: { indicators } })
    assert.deepEqual([evidence(query), query.excludeIds], [['user buy:a'], ['a', 'c']])
  })

  test('eventNames: in global only what was asked for is blacklisted', () => {
    const query = { user: 'u', eventNames: ['view'] }
    assert.deepEqual(excluded(query), ['a', 'c'])
    assert.deepEqual(excluded(query, GLOBAL), [])
  })

  test('blacklistItems and the item set, always', () => {
    const query = { blacklistItems: ['x'], itemSet: ['y', 'x'], returnSelf: true }
    assert.deepEqual(excluded(query), ['x', 'y'])
  })

  test('the query’s item, unless returnSelf: the query’s, else the engine’s', () => {
    assert.deepEqual(excluded({ item: 'a' }), ['a'])
    assert.deepEqual(excluded({ item: 'a', returnSelf: true }), [])
    assert.deepEqual(excluded({ item: 'a' }, { returnSelf: true }), [])
    assert.deepEqual(excluded({ item: 'a', returnSelf: false }, { returnSelf: true }), ['a'])
  })
})
