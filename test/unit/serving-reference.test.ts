// docs/reference/queries.md says what the code does: its members and its limits.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HISTORY_EVENTS_MAX } from '../../serving/engines/universal/history.ts'
import { parseUniversalQuery, QUERY_LIMITS } from '../../serving/engines/universal/query.ts'
import { SERVING_LIMITS } from '../../serving/limits.ts'

const page = readFileSync(new URL('../../docs/reference/queries.md', import.meta.url), 'utf8')

/** Cells of the table under a heading, without its head. */
function rows(heading: string): string[][] {
  const section = page.split(`## ${heading}\n\n`)[1]?.split('\n\n')[0]?.trim() ?? ''
  const lines = section.split('\n').slice(2)
  return lines.map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))
}

test('the members, in their order', () => {
  const documented = rows('Members').map(([name = '']) => name.replaceAll('`', ''))
  assert.deepEqual(documented, Object.keys(parseUniversalQuery({}).query))
})

test('the limits', () => {
  const documented = rows('Limits').map(([name, limit = '']) => [
    name,
    Number(limit.replaceAll(',', '')),
  ])
  assert.deepEqual(documented, [
    ['bytes of a query', SERVING_LIMITS.bodyBytesMax],
    ['bytes of an id', 1024],
    ['`from` + `num`', QUERY_LIMITS.page],
    ['`history`', QUERY_LIMITS.history],
    ['`itemSet`', QUERY_LIMITS.itemSet],
    ['`blacklistItems`', QUERY_LIMITS.blacklistItems],
    ['`fields`', QUERY_LIMITS.fields],
    ['`values` of a field', QUERY_LIMITS.values],
    ['ranges of `dateRange`', QUERY_LIMITS.dateRange],
    ['`eventNames`', QUERY_LIMITS.eventNames],
    ['queries in flight', SERVING_LIMITS.inFlightMax],
  ])
  assert.ok(page.includes(`newest\n${HISTORY_EVENTS_MAX.toLocaleString('en')} such events`))
  assert.ok(page.includes(`(${SERVING_LIMITS.budgetMs} ms)`))
})
