import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json } from '#schemas/json'
import { dateOf, ruleTexts } from '#schemas/rule-values'

test('rule texts: a value stands for itself, an array for its members, each once', () => {
  const cases: [Json, string[]][] = [
    ['red', ['red']],
    ['', ['']],
    [5, ['5']],
    [-0, ['0']],
    [2.5e21, ['2.5e+21']],
    [true, ['true']],
    [null, []],
    [{ a: 'red' }, []],
    [[], []],
    [
      ['a', 'a', 'b'],
      ['a', 'b'],
    ],
    [
      ['5', 5, false, null, ['deep'], {}],
      ['5', 'false'],
    ],
  ]
  for (const [value, texts] of cases) assert.deepEqual(ruleTexts(value), texts)
})

test('dates: ISO 8601 with or without time and offset, or milliseconds', () => {
  const noon = Date.UTC(2024, 1, 29, 12)
  for (const text of [
    '2024-02-29T12:00:00.000Z',
    '2024-02-29T12:00',
    '2024-02-29T12:00:00',
    '2024-02-29T14:00:00+02:00',
    '2024-02-29T14:00:00.0+0200',
    '2024-02-29T07:00:00-05',
    '2024-02-29T12:00:00.000123Z',
    '2024-02-29T12:00:00,000Z',
  ]) {
    assert.equal(dateOf(text), noon, text)
  }
  assert.equal(dateOf('2024-02-29'), Date.UTC(2024, 1, 29))
  assert.equal(dateOf('2024-02-29T12:00:00.07Z'), noon + 70)
  assert.equal(dateOf('-000001-01-01'), Date.parse('-000001-01-01T00:00:00Z'))
  assert.equal(dateOf(noon), noon)
  assert.equal(dateOf(-1.5), -1.5)
})

test('dates: everything else is none', () => {
  for (const value of [
    '',
    'soon',
    '2023-02-29',
    '2024-13-01',
    '2024-1-1',
    '20240101',
    '2024-02-29T25:00',
    '2024-02-29T12:61',
    '2024-02-29 12:00',
    ' 2024-02-29',
    '1709208000000',
    ['2024-02-29'],
    true,
    null,
    {},
  ] as Json[]) {
    assert.ok(Number.isNaN(dateOf(value)), JSON.stringify(value))
  }
})
