// Reads the body of a query of the universal engine. It is lenient where old clients are careless (numbers as ids, numbers
// as text, members it does not know) and strict where a slip would change the answer without a word: then the error says
// which member is wrong and what is expected.
import { MillraceError } from '#ports/errors'
import { parseQueryTime } from '#schemas/event-time'
import { ID_BYTES_MAX } from '#schemas/ids'
import { JsonNumber } from '#schemas/lenient-json'
import { nearestName } from '#schemas/nearest-name'
import type { QueryDateRange, QueryEvent, QueryField, UniversalQuery } from '#schemas/query'

/** What one query may hold; beyond it the query is refused, never cut. */
export const QUERY_LIMITS = {
  /** `from` + `num`: Elasticsearch's own limit, so that both indexes page alike. */
  page: 10_000,
  history: 1_000,
  itemSet: 1_000,
  blacklistItems: 10_000,
  fields: 100,
  dateRange: 100,
  values: 1_000,
  eventNames: 100,
} as const

const MEMBERS: readonly string[] = [
  'user',
  'history',
  'item',
  'itemSet',
  'userBias',
  'itemBias',
  'itemSetBias',
  'fields',
  'dateRange',
  'currentDate',
  'blacklistItems',
  'returnSelf',
  'num',
  'from',
  'eventNames',
  'withRanks',
  'explain',
] satisfies readonly (keyof UniversalQuery)[]

/** Names that members have in a dialect. */
export interface QueryNames {
  readonly fields: string
  readonly eventNames: string
}

const OUR_NAMES: QueryNames = { fields: 'fields', eventNames: 'eventNames' }

type Members = Readonly<Record<string, unknown>>

export interface ParsedQuery {
  readonly query: UniversalQuery
  /** What was ignored, in words, for the header `millrace-warning`. */
  readonly warnings: readonly string[]
}

/** Members that are named in a warning; a header has its limits. */
const WARNINGS_MAX = 20

const FIELD_MEMBERS = ['name', 'values', 'bias']
const RANGE_MEMBERS = ['name', 'after', 'before']
const EVENT_MEMBERS = ['event', 'item', 'eventTime']
const NONE: readonly never[] = []

/**
 * Reads a query; `null` members count as absent.
 * @throws MillraceError QUERY_INVALID, ID_TOO_LONG
 */
export function parseUniversalQuery(body: unknown, names: QueryNames = OUR_NAMES): ParsedQuery {
  const query = membersOf(body, 'the body', 'a JSON object, for example {"user": "u1", "num": 4}')
  const warnings: string[] = []
  warnOfUnknown(query, names === OUR_NAMES ? MEMBERS : namesIn(names), '', warnings)
  const num = wholeNumber(query.num, 'num')
  const from = wholeNumber(query.from, 'from')
  if ((num ?? 0) + (from ?? 0) > QUERY_LIMITS.page) {
    throw invalid(
      `from + num is ${(num ?? 0) + (from ?? 0)}, at most ${QUERY_LIMITS.page} is served`,
    )
  }
  const itemSetBias = number(query.itemSetBias, 'itemSetBias')
  if (itemSetBias !== null && itemSetBias < 0) {
    throw invalid(
      'itemSetBias is negative; a number of 0 (leaves the item set out) or more is expected',
    )
  }
  return {
    query: {
      user: id(query.user, 'user'),
      history: history(query.history, warnings),
      item: id(query.item, 'item'),
      itemSet: ids(query.itemSet, 'itemSet', QUERY_LIMITS.itemSet),
      userBias: number(query.userBias, 'userBias'),
      itemBias: number(query.itemBias, 'itemBias'),
      itemSetBias,
      fields: fields(query[names.fields], names.fields, warnings),
      dateRange: dateRanges(query.dateRange, warnings),
      currentDate: date(query.currentDate, 'currentDate'),
      blacklistItems:
        ids(query.blacklistItems, 'blacklistItems', QUERY_LIMITS.blacklistItems) ?? NONE,
      returnSelf: flag(query.returnSelf, 'returnSelf'),
      num,
      from,
      eventNames: ids(query[names.eventNames], names.eventNames, QUERY_LIMITS.eventNames),
      withRanks: flag(query.withRanks, 'withRanks') ?? false,
      explain: flag(query.explain, 'explain') ?? false,
    },
    warnings,
  }
}

function warnOfUnknown(
  members: Members,
  known: readonly string[],
  where: string,
  warnings: string[],
): void {
  for (const name of Object.keys(members)) {
    if (known.includes(name) || warnings.length >= WARNINGS_MAX) continue
    const nearest = nearestName(name, known)
    const advice = nearest === null ? '' : ` (did you mean ${nearest}?)`
    warnings.push(`${where}${name} is ignored${advice}`)
  }
}

function namesIn(names: QueryNames): readonly string[] {
  const renamed: Readonly<Record<string, string>> = { ...names }
  return MEMBERS.map((name) => renamed[name] ?? name)
}

function invalid(reason: string): MillraceError {
  return new MillraceError('QUERY_INVALID', { reason })
}

function expected(where: string, value: unknown, what: string): MillraceError {
  const shown = JSON.stringify(value) ?? String(value)
  const short = shown.length > 60 ? `${shown.slice(0, 60)}…` : shown
  return invalid(`${where} is ${short}; ${what} is expected`)
}

function absent(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function membersOf(value: unknown, where: string, what: string): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
  throw expected(where, value, what)
}

function listOf(value: unknown, where: string, what: string, limit: number): readonly unknown[] {
  if (!Array.isArray(value)) throw expected(where, value, what)
  if (value.length > limit) {
    throw invalid(`${where} has ${value.length} entries, at most ${limit} are allowed`)
  }
  return value
}

/** An id, or any other text; numbers are taken as their digits, as PredictionIO takes them. */
function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  if (value instanceof JsonNumber) return value.text
  throw expected(where, value, 'text')
}

/** A value of a field rule: item properties may also be true or false. */
function ruleText(value: unknown, where: string): string {
  return typeof value === 'boolean' ? String(value) : text(value, where)
}

function id(value: unknown, where: string): string | null {
  if (absent(value)) return null
  const found = text(value, where)
  // A UTF-16 unit has at most three bytes in UTF-8: only long ids need to be counted.
  if (found.length * 3 > ID_BYTES_MAX && Buffer.byteLength(found) > ID_BYTES_MAX) {
    throw new MillraceError('ID_TOO_LONG', { field: where, limit: ID_BYTES_MAX })
  }
  return found
}

function ids(value: unknown, where: string, limit: number): readonly string[] | null {
  if (absent(value)) return null
  return listOf(value, where, 'a list of texts', limit).map((entry, i) => {
    const found = id(entry, `${where}[${i}]`)
    if (found === null) throw expected(`${where}[${i}]`, entry, 'text')
    return found
  })
}

function number(value: unknown, where: string): number | null {
  if (absent(value)) return null
  const isText = typeof value === 'string' && value.trim() !== ''
  const found = isText || value instanceof JsonNumber ? Number(value) : value
  if (typeof found === 'number' && Number.isFinite(found)) return found
  throw expected(where, value, 'a number')
}

function wholeNumber(value: unknown, where: string): number | null {
  const found = number(value, where)
  if (found === null || (Number.isSafeInteger(found) && found >= 0)) return found
  throw expected(where, value, 'a whole number of 0 or more')
}

function flag(value: unknown, where: string): boolean | null {
  if (absent(value)) return null
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === 'false') return value === 'true'
  throw expected(where, value, 'true or false')
}

function date(value: unknown, where: string): number | null {
  if (absent(value)) return null
  // A date alone, or cut off anywhere, is what PredictionIO's own parameters allow: first possible instant, UTC.
  const found = typeof value === 'string' ? parseQueryTime(value) : null
  if (found?.ok) return found.time
  throw expected(where, value, 'an ISO 8601 time, for example "2025-01-31T12:00:00.000Z",')
}

function history(value: unknown, warnings: string[]): readonly QueryEvent[] {
  if (absent(value)) return NONE
  const shape = 'a list of {"event", "item", "eventTime"}'
  return listOf(value, 'history', shape, QUERY_LIMITS.history).map((entry, i) => {
    const where = `history[${i}]`
    const told = membersOf(entry, where, 'an object with event and item')
    warnOfUnknown(told, EVENT_MEMBERS, `${where}.`, warnings)
    const event = id(told.event, `${where}.event`)
    if (event === null) throw invalid(`${where}.event is missing: name what was done`)
    const item = id(told.item, `${where}.item`)
    if (item === null) throw invalid(`${where}.item is missing: name what it was done to`)
    return { event, item, eventTime: date(told.eventTime, `${where}.eventTime`) }
  })
}

function fields(value: unknown, member: string, warnings: string[]): readonly QueryField[] {
  if (absent(value)) return NONE
  const shape = 'a list of {"name", "values", "bias"}'
  return listOf(value, member, shape, QUERY_LIMITS.fields).map((entry, i) => {
    const where = `${member}[${i}]`
    const field = membersOf(entry, where, 'an object with name, values and bias')
    warnOfUnknown(field, FIELD_MEMBERS, `${where}.`, warnings)
    if (absent(field.name)) throw invalid(`${where}.name is missing: name the item property`)
    if (absent(field.values)) throw invalid(`${where}.values is missing: give a list of texts`)
    const list = listOf(field.values, `${where}.values`, 'a list of texts', QUERY_LIMITS.values)
    const values = list.map((v, k) => ruleText(v, `${where}.values[${k}]`))
    const bias = number(field.bias, `${where}.bias`)
    if (bias === null) {
      throw invalid(
        `${where}.bias is missing: below 0 an item must have one of the values, at 0 none of them, above 0 having one is favoured`,
      )
    }
    return { name: text(field.name, `${where}.name`), values, bias }
  })
}

/** One range or a list of them; a range without a bound restricts nothing and counts as absent. */
function dateRanges(value: unknown, warnings: string[]): readonly QueryDateRange[] {
  if (absent(value)) return NONE
  const found = Array.isArray(value)
    ? listOf(value, 'dateRange', 'a list of ranges', QUERY_LIMITS.dateRange).map((one, i) =>
        dateRange(one, `dateRange[${i}]`, warnings),
      )
    : [dateRange(value, 'dateRange', warnings)]
  return found.filter((range) => range !== null)
}

function dateRange(value: unknown, where: string, warnings: string[]): QueryDateRange | null {
  const range = membersOf(value, where, 'an object with name and before or after')
  warnOfUnknown(range, RANGE_MEMBERS, `${where}.`, warnings)
  const after = date(range.after, `${where}.after`)
  const before = date(range.before, `${where}.before`)
  if (after === null && before === null) return null
  if (absent(range.name)) throw invalid(`${where}.name is missing: name the date property`)
  return { name: text(range.name, `${where}.name`), after, before }
}
