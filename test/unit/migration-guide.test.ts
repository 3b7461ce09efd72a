// The guide for users of the Universal Recommender lists every difference; here is the test of each. A row without a test, and a
// test that is not there any more, fail.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readText } from '../support/source-tree.ts'

const GUIDE = 'docs/guides/migrating-from-universal-recommender.md'

const QUIRKS = 'test/compat/ur-quirks.test.ts'
const SERVED = 'test/compat/ur-quirks-served.test.ts'
const DIALECT = 'test/unit/serving-harness-dialect.test.ts'
const TRAINING = 'test/unit/training-parameters.test.ts'

/** How a row begins, and its test: the file, and how the title begins. */
const TESTS: readonly (readonly [row: string, file: string, title: string])[] = [
  ['A user with more ids', QUIRKS, 'a user above the limit loses everything'],
  ['An id of more users', QUIRKS, 'a crowded id is sampled'],
  ['Rankings count targets', QUIRKS, 'targets of any type are ranked'],
  ['What occurs together', QUIRKS, 'what occurs together less than chance'],
  ['An event type without events', QUIRKS, 'an indicator without events does not shift'],
  ['`fields` of `engine.json` above 0', QUIRKS, 'fields of engine.json above 0 are filters'],
  ['`fields` of `engine.json` count beside', QUIRKS, 'fields of engine.json stand beside'],
  ['A bias above 0', 'test/unit/serving-weighted.test.ts', 'a positive bias multiplies'],
  ['A negative `userBias`', QUIRKS, 'a negative bias filters in engine.json'],
  ['A `userBias` or `itemBias` of 0', QUIRKS, 'a bias of 0 is neutral'],
  ['A filter by history', QUIRKS, 'a filter without ids lets nothing through'],
  ['With `eventNames` in place', QUIRKS, 'with eventNames a hundred events count'],
  ['The newest N events', QUIRKS, 'the newest N events count'],
  ['`maxQueryEvents` cuts', QUIRKS, 'maxQueryEvents cuts the list of events'],
  ['Several rankings', QUIRKS, 'several rankings go by type'],
  ['`availableDateName` and', QUIRKS, 'one of the two dates alone is not tested'],
  ['A `dateRange` takes', QUIRKS, 'a dateRange takes the place'],
  ['`eventNames` of a query', QUIRKS, 'eventNames of a query choose'],
  ['`blacklistEvents` that', QUIRKS, 'blacklistEvents that are no indicators'],
  ['`withRanks` fails', SERVED, 'withRanks works in every engine'],
  ['`recsModel` `collabFiltering`', SERVED, 'collabFiltering shows items without a score'],
  ['No backfill behind', DIALECT, 'no backfill behind personal results'],
  ['`returnSelf` the other', DIALECT, 'returnSelf the other way round'],
  ['An item set of one id', DIALECT, 'a set of one id is an item'],
  ['Events of an alias', TRAINING, 'events of an alias train'],
  ['`eventWindow` and', TRAINING, 'a window of events'],
  ['A `$delete`d item', SERVED, 'a deleted item is recommended no more'],
  ['A new item needs', SERVED, 'a deleted item is recommended no more, and a new one is'],
  ['A history that takes', 'test/unit/serving-degraded.test.ts', 'a history that takes too long'],
  ['A query that is wrong', 'test/unit/serving-query.test.ts', 'whatever JSON comes is read'],
  ['Unknown parameters', 'test/unit/engine-json.test.ts', 'refused at'],
  ['A training without primary', 'test/e2e/bad-input.test.ts', 'commands'],
]

/** The first cells of the table of differences. */
function rows(): string[] {
  const text = readText(GUIDE)
  const table = text.slice(text.indexOf('| Then | `weighted` |')).split('\n\n')[0] as string
  const cells = table
    .split('\n')
    .slice(2)
    .map((line) => line.split('|')[1]?.trim() ?? '')
  assert.ok(cells.length >= 30, 'the table was not found')
  return cells
}

test('every difference of the guide has a test, and every test a row', () => {
  const found = rows()
  const of = (cell: string): number => TESTS.filter(([row]) => cell.startsWith(row)).length
  assert.deepEqual(
    found.filter((cell) => of(cell) !== 1),
    [],
  )
  assert.deepEqual(
    TESTS.filter(([row]) => !found.some((cell) => cell.startsWith(row))),
    [],
  )
})

for (const [row, file, title] of TESTS) {
  test(`${row} …: there is the test`, () => {
    const declared = new RegExp(
      `\\b(?:test|it)\\(\\s*['"\`]${title.replace(/[.*+?^$()|[\]{}\\]/g, '\\$&')}`,
    )
    assert.match(readText(file), declared)
  })
}
