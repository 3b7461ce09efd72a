import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MillraceError } from '#ports/errors'
import { parseJson } from '#schemas/lenient-json'
import { parseUniversalQuery, QUERY_LIMITS } from '../../serving/engines/universal/query.ts'

const EMPTY = {
  user: null,
  history: [],
  item: null,
  itemSet: null,
  userBias: null,
  itemBias: null,
  itemSetBias: null,
  fields: [],
  dateRange: [],
  currentDate: null,
  blacklistItems: [],
  returnSelf: null,
  num: null,
  from: null,
  eventNames: null,
  withRanks: false,
  explain: false,
}

const parsed = (body: unknown) => parseUniversalQuery(body).query

function read(text: string): unknown {
  const reading = parseJson(text)
  return reading.ok ? reading.value : undefined
}

function refusal(body: unknown): MillraceError {
  try {
    parseUniversalQuery(body)
  } catch (error) {
    assert.ok(error instanceof MillraceError)
    return error
  }
  return assert.fail(`${JSON.stringify(body)} was taken`)
}

describe('what a query may say', () => {
  test('nothing: every member is absent', () => {
    assert.deepEqual(parsed({}), EMPTY)
  })

  test('every member', () => {
    const query = {
      user: 'u',
      item: 'i',
      itemSet: ['a', 'b'],
      userBias: 2,
      itemBias: 0.5,
      itemSetBias: 3,
      fields: [{ name: 'category', values: ['x'], bias: -1 }],
      blacklistItems: ['c'],
      returnSelf: true,
      num: 5,
      from: 10,
      eventNames: ['view'],
      withRanks: true,
      explain: true,
    }
    const dates = {
      history: [
        { event: 'view', item: 'a', eventTime: '2025-01-03' },
        { event: 'buy', item: 7 },
      ],
      dateRange: {
        name: 'date',
        after: '2025-01-01T00:00:00.000Z',
        before: '2025-01-02T00:00:00+01:00',
      },
      currentDate: '2025-06-01T12:00:00Z',
    }
    assert.deepEqual(parsed({ ...query, ...dates }), {
      ...query,
      history: [
        { event: 'view', item: 'a', eventTime: Date.UTC(2025, 0, 3) },
        { event: 'buy', item: '7', eventTime: null },
      ],
      dateRange: [
        {
          name: 'date',
          after: Date.UTC(2025, 0, 1),
          before: Date.UTC(2025, 0, 1, 23),
        },
      ],
      currentDate: Date.UTC(2025, 5, 1, 12),
    })
  })

  test('null counts as absent', () => {
    const nulls = Object.fromEntries(Object.keys(EMPTY).map((name) => [name, null]))
    assert.deepEqual(parsed(nulls), EMPTY)
  })

  test('numbers as ids and values, with all their digits', () => {
    const text =
      '{"user": 1, "item": 12345678901234567890, "itemSet": [7], "blacklistItems": [1.5], "fields": [{"name": "year", "values": [1999, true], "bias": -1}]}'
    const { user, item, itemSet, blacklistItems, fields } = parsed(read(text))
    assert.deepEqual(
      [user, item, itemSet, blacklistItems, fields[0]?.values],
      ['1', '12345678901234567890', ['7'], ['1.5'], ['1999', 'true']],
    )
  })

  test('texts as numbers and flags', () => {
    const { num, from, userBias, returnSelf } = parsed(
      read('{"num": "4", "from": 2.0, "userBias": "1e1", "returnSelf": "true"}'),
    )
    assert.deepEqual([num, from, userBias, returnSelf], [4, 2, 10, true])
  })

  test('ids are left as they are', () => {
    const { user, item } = parsed({ user: ' U 2 ', item: '007' })
    assert.deepEqual([user, item], [' U 2 ', '007'])
  })

  test('a body that misses commas', () => {
    const { user, from, num } = parsed(read('{\n "user": "u5"\n "from": 0,\n "num": 5\n}'))
    assert.deepEqual([user, from, num], ['u5', 0, 5])
  })

  test('a date range without a bound is none', () => {
    assert.deepEqual(parsed({ dateRange: { name: 'date' } }).dateRange, [])
  })

  test('several date ranges', () => {
    const dateRange = [{ name: 'a', after: '2025' }, { name: 'b' }, { name: 'c', before: '2026' }]
    assert.deepEqual(parsed({ dateRange }).dateRange, [
      { name: 'a', after: Date.UTC(2025), before: null },
      { name: 'c', after: null, before: Date.UTC(2026) },
    ])
  })
})

describe('unknown members are ignored, aloud', () => {
  test('with the nearest known name', () => {
    const { warnings } = parseUniversalQuery({ usr: 'u', zzzzzzzz: 1, user: 'u' })
    assert.deepEqual(warnings, ['usr is ignored (did you mean user?)', 'zzzzzzzz is ignored'])
  })

  test('inside a rule, a range and an event too', () => {
    const { query, warnings } = parseUniversalQuery({
      fields: [{ name: 'a', values: ['b'], bias: 1, boost: 2 }],
      dateRange: [
        { name: 'd', beforeDate: '2025', after: '2024' },
        { name: 'd', befor: '2025' },
      ],
      history: [{ event: 'buy', item: 'i', evenTime: '2025' }],
    })
    assert.deepEqual(warnings.toSorted(), [
      'dateRange[0].beforeDate is ignored (did you mean before?)',
      'dateRange[1].befor is ignored (did you mean before?)',
      'fields[0].boost is ignored',
      'history[0].evenTime is ignored (did you mean eventTime?)',
    ])
    assert.equal(query.dateRange.length, 1)
  })

  test('a few of many', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`x${i}`, 1]))
    assert.equal(parseUniversalQuery(many).warnings.length, 20)
  })

  test('also those that objects have by nature', () => {
    const { query, warnings } = parseUniversalQuery(read('{"__proto__": {"user": "x"}}'))
    assert.equal(query.user, null)
    assert.equal(warnings.length, 1)
  })
})

describe('what is refused says where and why', () => {
  const cases: readonly (readonly [body: unknown, reason: RegExp])[] = [
    [[], /the body is \[\]; a JSON object/],
    ['x', /the body is "x"/],
    [{ user: {} }, /user is \{\}; text is expected/],
    [{ item: true }, /item is true; text/],
    [{ itemSet: 'a' }, /itemSet is "a"; a list of texts/],
    [{ itemSet: ['a', null] }, /itemSet\[1\] is null; text/],
    [{ userBias: 'much' }, /userBias is "much"; a number/],
    [{ itemBias: '' }, /itemBias is ""; a number/],
    [{ itemSetBias: -1 }, /itemSetBias is negative/],
    [{ num: -1 }, /num is -1; a whole number of 0 or more/],
    [{ num: 1.5 }, /num is 1.5; a whole number/],
    [{ from: [] }, /from is \[\]; a number/],
    [{ returnSelf: 1 }, /returnSelf is 1; true or false/],
    [{ explain: 'yes' }, /explain is "yes"; true or false/],
    [{ fields: {} }, /fields is \{\}; a list of \{"name", "values", "bias"\}/],
    [{ fields: ['x'] }, /fields\[0\] is "x"; an object with name, values and bias/],
    [{ fields: [{ values: [], bias: 1 }] }, /fields\[0\]\.name is missing/],
    [{ fields: [{ name: 'a', bias: 1 }] }, /fields\[0\]\.values is missing/],
    [{ fields: [{ name: 'a', values: 'x', bias: 1 }] }, /fields\[0\]\.values is "x"; a list/],
    [{ fields: [{ name: 'a', values: [{}], bias: 1 }] }, /fields\[0\]\.values\[0\] is \{\}; text/],
    [{ fields: [{ name: 'a', values: ['x'] }] }, /fields\[0\]\.bias is missing: below 0/],
    [{ dateRange: 'today' }, /dateRange is "today"; an object with name/],
    [{ dateRange: { after: '2025-01-01' } }, /dateRange\.name is missing/],
    [{ dateRange: { name: 'd', after: 'soon' } }, /dateRange\.after is "soon"; an ISO 8601 time/],
    [{ dateRange: [{ name: 'd' }, 4] }, /dateRange\[1\] is 4; an object with name/],
    [{ dateRange: [{ before: '2025' }] }, /dateRange\[0\]\.name is missing/],
    [{ currentDate: 1735689600000 }, /currentDate is 1735689600000; an ISO 8601 time/],
    [{ history: 'view' }, /history is "view"; a list of \{"event", "item", "eventTime"\}/],
    [{ history: ['view'] }, /history\[0\] is "view"; an object with event and item/],
    [{ history: [{ item: 'a' }] }, /history\[0\]\.event is missing/],
    [{ history: [{ event: 'a' }] }, /history\[0\]\.item is missing/],
    [{ history: [{ event: 'a', item: [] }] }, /history\[0\]\.item is \[\]; text/],
    [
      { history: [{ event: 'a', item: 'b', eventTime: 3 }] },
      /history\[0\]\.eventTime is 3; an ISO 8601/,
    ],
    [{ eventNames: [['view']] }, /eventNames\[0\] is \["view"\]; text/],
  ]
  for (const [body, reason] of cases) {
    test(JSON.stringify(body), () => {
      const error = refusal(body)
      assert.equal(error.code, 'QUERY_INVALID')
      assert.match(error.message, reason)
    })
  }

  test('a long value is shown short', () => {
    assert.ok(refusal({ user: ['x'.repeat(10_000)] }).message.length < 200)
  })
})

describe('limits, by exact count', () => {
  const texts = (length: number): string[] => Array.from({ length }, (_, i) => String(i))
  const field = { name: 'a', values: [], bias: 1 }

  test('ids of 1,024 bytes', () => {
    assert.equal(parsed({ user: 'é'.repeat(512) }).user?.length, 512)
    const error = refusal({ itemSet: ['ok', `${'é'.repeat(512)}x`] })
    assert.equal(error.code, 'ID_TOO_LONG')
    assert.match(error.message, /itemSet\[1\]/)
  })

  test('from + num', () => {
    assert.equal(parsed({ from: 9_990, num: 10 }).from, 9_990)
    assert.match(refusal({ from: 9_991, num: 10 }).message, /from \+ num is 10001, at most 10000/)
  })

  const lists = [
    ['itemSet', QUERY_LIMITS.itemSet, texts],
    ['blacklistItems', QUERY_LIMITS.blacklistItems, texts],
    ['eventNames', QUERY_LIMITS.eventNames, texts],
    [
      'dateRange',
      QUERY_LIMITS.dateRange,
      (n: number) => new Array(n).fill({ name: 'd', after: '2025' }),
    ],
    ['history', QUERY_LIMITS.history, (n: number) => new Array(n).fill({ event: 'a', item: 'b' })],
    ['fields', QUERY_LIMITS.fields, (n: number) => new Array(n).fill(field)],
  ] as const
  for (const [name, limit, make] of lists) {
    test(name, () => {
      assert.equal(parsed({ [name]: make(limit) })[name]?.length, limit)
      const message = `${name} has ${limit + 1} entries, at most ${limit} are allowed`
      assert.match(refusal({ [name]: make(limit + 1) }).message, new RegExp(message))
    })
  }

  test('values of a field', () => {
    const values = texts(QUERY_LIMITS.values)
    assert.equal(parsed({ fields: [{ ...field, values }] }).fields[0]?.values.length, 1_000)
    assert.match(
      refusal({ fields: [{ ...field, values: [...values, 'x'] }] }).message,
      /1001 entries/,
    )
  })
})

test('whatever JSON comes is read or refused with a code', () => {
  const member = fc.constantFrom(...Object.keys(EMPTY), 'other')
  fc.assert(
    fc.property(fc.dictionary(member, fc.jsonValue({ maxDepth: 3 })), (body) => {
      try {
        const { query } = parseUniversalQuery(body)
        assert.deepEqual(Object.keys(query), Object.keys(EMPTY))
      } catch (error) {
        assert.ok(error instanceof MillraceError)
        assert.ok(['QUERY_INVALID', 'ID_TOO_LONG'].includes(error.code))
      }
    }),
    { numRuns: 500 },
  )
})
