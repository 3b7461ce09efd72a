// What keeps an item out of an answer: rules, dates, must clauses and the exclude list. Tested only for items whose score
// is good enough, so each test may cost a little.
import type { DateRule, FieldRule, ScoredQuery } from '#schemas/query'
import type { ClauseTerms } from './accumulator.ts'
import { Bitset } from './bitset.ts'
import type { ItemTable } from './item-table.ts'
import { type CodeMatch, matches, type PropertyColumn } from './property-column.ts'

export interface CompiledRule {
  /** Place in the query's rules. */
  readonly index: number
  readonly rule: FieldRule
  /** Absent when no item has the property. */
  readonly column: PropertyColumn | undefined
  readonly match: CodeMatch
}

const NO_MATCH: CodeMatch = { scalars: [], arrays: [] }

export function compileRules(rules: readonly FieldRule[], table: ItemTable): CompiledRule[] {
  return rules.map((rule, index) => {
    const column = table.column(rule.field)
    return { index, rule, column, match: column?.match(rule.values) ?? NO_MATCH }
  })
}

export function ruleMatches({ column, match }: CompiledRule, item: number): boolean {
  return column !== undefined && matches(column, match, item)
}

/** A way to list all items that may pass, when they are few. */
export interface Candidates {
  /** How many there are at most. */
  readonly count: number
  /** Items looked at to find them. */
  readonly cost: number
  forEach(visit: (item: number) => void): void
}

export interface QueryFilter {
  accepts(item: number): boolean
  /** The fewest candidates that a rule or must clause leaves; null when nothing narrows the items down. */
  readonly narrowest: Candidates | null
}

export interface FilterInput {
  readonly query: ScoredQuery
  readonly table: ItemTable
  readonly rules: readonly CompiledRule[]
  /** The must clauses; null where the version does not have the indicator. */
  readonly must: readonly (ClauseTerms | null)[]
  readonly live: Bitset
}

export function compileFilter({ query, table, rules, must, live }: FilterInput): QueryFilter {
  const excluded = new Set(query.excludeIds)
  const include = rules.filter(({ rule }) => rule.bias < 0)
  const exclude = rules.filter(({ rule }) => rule.bias === 0)
  const dates = query.dates.map((rule) => ({ rule, column: table.column(rule.field) }))
  const required = must.map((resolved) => itemsOf(resolved))
  // The exclude list last: it needs the item's id, and few items come so far.
  const accepts = (item: number): boolean => {
    if (!live.has(item)) return false
    for (const items of required) if (!items.has(item)) return false
    for (const rule of include) if (!ruleMatches(rule, item)) return false
    for (const rule of exclude) if (ruleMatches(rule, item)) return false
    for (const { rule, column } of dates) {
      if (column === undefined || !within(rule, column.date(item))) return false
    }
    return !excluded.has(table.ids[item] as string)
  }
  return {
    accepts,
    narrowest: narrowest([
      ...include.map((rule) => ruleCandidates(rule, table)),
      ...must.map((resolved, i) => clauseCandidates(resolved, required[i] as Bitset)),
    ]),
  }
}

function within({ after, before, includeBefore }: DateRule, date: number): boolean {
  if (Number.isNaN(date)) return false
  if (after !== null && !(date > after)) return false
  return before === null || (includeBefore ? date <= before : date < before)
}

function itemsOf(resolved: ClauseTerms | null): Bitset {
  const items = new Bitset()
  if (resolved === null) return items
  const { start, item } = resolved.postings
  for (const term of resolved.terms) {
    const end = start[term + 1] as number
    for (let i = start[term] as number; i < end; i++) items.add(item[i] as number)
  }
  return items
}

function ruleCandidates({ rule, column, match }: CompiledRule, table: ItemTable): Candidates {
  let count = 0
  for (const value of rule.values) count += column?.itemsWith(value) ?? 0
  return {
    count,
    // A column is read in sequence, several times faster than items here and there.
    cost: count + table.size / 8,
    forEach: (visit) => column?.forEachItem(match, visit),
  }
}

function clauseCandidates(resolved: ClauseTerms | null, items: Bitset): Candidates {
  const count = resolved?.length ?? 0
  return { count, cost: count, forEach: (visit) => items.forEach(visit) }
}

function narrowest(all: readonly Candidates[]): Candidates | null {
  return all.reduce<Candidates | null>(
    (best, next) => (best === null || next.cost < best.cost ? next : best),
    null,
  )
}
