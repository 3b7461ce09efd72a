// Plans the one scored query of a request. Pure: parameters, query, history, the query item's lists and the time in, what
// the index is asked out.
//
// An engine's `compatibility` decides what a query means; `ur-0.7` keeps the Universal Recommender's semantics and is what
// the scorings of old bring with them:
//
//                          none                              ur-0.7
//   history counted        newest N distinct ids             newest N events, then distinct
//   userBias, itemBias     query's, else the engine's:       the engine's sign alone filters; a query's counts
//                          < 0 filters, 0 leaves it out      if > 0, else 1
//   filter without ids     left out                          kept: nothing matches
//   engine's fields        those the query does not name     all, beside the query's
//                                                            above 0 they filter, in the scorings of old
//   eventNames             choose the evidence               choose the evidence and what is blacklisted
//   availability           each date that is configured      only if both are
//   rankings               as configured                     by type, as the old engine's hash map had them
//   maxQueryEvents         newest N ids of each event        cuts the list of event types and an item's lists
//
// `harness-0.6` is `ur-0.7` but for: fields as in `none`; availability by each date that is configured, strictly, at the
// server's time, and together with ranges; the first ranking only; a set of one id is an item, one of n counts n times.
import type { HistoryEvent } from '#ports/event-store'
import type { ItemLists } from '#ports/item-index'
import type { Indicator, UniversalParams } from '#schemas/engines/universal'
import { invertsFields } from '#schemas/engines/universal-quirks'
import type { RankingType } from '#schemas/model'
import type {
  DateRule,
  EvidenceClause,
  FieldRule,
  ScoredQuery,
  UniversalQuery,
} from '#schemas/query'

export interface PlanInput {
  readonly params: UniversalParams
  readonly query: UniversalQuery
  /** Newest first within each event name. */
  readonly history: readonly HistoryEvent[]
  /** Lists of `query.item`, or null when it is unknown or there is none. */
  readonly lists: ItemLists | null
  /** Milliseconds; what `currentDate` is when the query has none. */
  readonly now: number
}

export function planQuery(input: PlanInput): ScoredQuery {
  const { params, query } = input
  return {
    scoring: params.scoring,
    evidence: [...userClauses(input), ...itemClauses(input), ...itemSetClauses(input)],
    rules: rulesOf(params, query),
    dates: datesOf(params, query, input.now),
    excludeIds: excludedOf(input),
    from: query.from ?? 0,
    num: query.num ?? params.num,
    rankings: rankingsOf(params),
    withRanks: query.withRanks,
    explain: query.explain,
  }
}

/** How a bias makes its evidence count; null leaves the evidence out. */
interface Strength {
  readonly boost: number
  readonly must: boolean
}

function strengthOf(
  params: UniversalParams,
  engine: number,
  query: number | null,
): Strength | null {
  if (params.compatibility !== 'none') {
    if (engine < 0) return { boost: 1, must: true }
    const bias = query ?? engine
    return { boost: bias > 0 ? bias : 1, must: false }
  }
  const bias = query ?? engine
  if (bias === 0) return null
  return bias < 0 ? { boost: 1, must: true } : { boost: bias, must: false }
}

/** Clauses of evidence, one an indicator; those without ids count only where they are the old engine's filter. */
function clauses(
  params: UniversalParams,
  found: readonly { readonly indicator: string; readonly ids: readonly string[] }[],
  { boost, must }: Strength,
  source: EvidenceClause['source'],
): EvidenceClause[] {
  const keepEmpty = must && params.compatibility !== 'none'
  return found
    .filter(({ ids }) => ids.length > 0 || keepEmpty)
    .map(({ indicator, ids }) => ({ indicator, ids, boost, must, source }))
}

function userClauses({ params, query, history }: PlanInput): EvidenceClause[] {
  if (query.user === null && query.history.length === 0) return []
  const strength = strengthOf(params, params.userBias, query.userBias)
  if (strength === null) return []
  const countEvents = params.compatibility !== 'none' && !params.eventWindow.removeDuplicates
  const found = params.indicators
    .filter(({ name }) => query.eventNames === null || query.eventNames.includes(name))
    .slice(0, oldLength(params))
    .map((indicator) => ({
      indicator: indicator.name,
      ids: newestIds(history, indicator, countEvents),
    }))
  return clauses(params, found, strength, 'user')
}

/** What the old engine leaves of a list that is longer than its limit for queries: one less than that. */
function oldLength({ oldQueryLimit }: UniversalParams): number {
  return oldQueryLimit === null ? Number.POSITIVE_INFINITY : oldQueryLimit - 1
}

/** The newest N distinct targets of one event name, or the distinct ones of the newest N events. */
function newestIds(
  history: readonly HistoryEvent[],
  { name, maxQueryItems }: Indicator,
  countEvents: boolean,
): readonly string[] {
  const ids = new Set<string>()
  let events = 0
  for (const event of history) {
    if (event.event !== name) continue
    if ((countEvents ? events : ids.size) >= maxQueryItems) break
    events++
    ids.add(event.targetEntityId)
  }
  return [...ids]
}

/** The query item's own correlated ids stand in for a history. */
function itemClauses({ params, query, lists }: PlanInput): EvidenceClause[] {
  if (query.item === null || lists === null) return []
  const strength = strengthOf(params, params.itemBias, query.itemBias)
  if (strength === null) return []
  const { oldQueryLimit } = params
  const found = lists.lists.map(({ indicator, ids }) => ({
    indicator,
    ids:
      oldQueryLimit !== null && ids.length > oldQueryLimit ? ids.slice(0, oldLength(params)) : ids,
  }))
  return clauses(params, found, strength, 'item')
}

/** The set stands in for a history of the primary event. */
function itemSetClauses({ params, query }: PlanInput): EvidenceClause[] {
  if (query.itemSet === null || query.itemSet.length === 0) return []
  const ids = [...new Set(query.itemSet)]
  const boost =
    params.compatibility === 'harness-0.6'
      ? params.itemSetBias * query.itemSet.length
      : (query.itemSetBias ?? params.itemSetBias)
  if (!(boost > 0)) return []
  const indicator = params.indicators[0].name
  return [{ indicator, ids, boost, must: false, source: 'itemSet' }]
}

function rulesOf(params: UniversalParams, query: UniversalQuery): readonly FieldRule[] {
  const asked = query.fields.map(({ name, values, bias }) => ({ field: name, values, bias }))
  const own = params.fields.map(({ name, values, bias }) => ({ field: name, values, bias }))
  if (params.compatibility !== 'ur-0.7') {
    return [...asked, ...own.filter(({ field }) => !asked.some((rule) => rule.field === field))]
  }
  const rules: FieldRule[] = []
  for (const rule of [...asked, ...(invertsFields(params) ? own.map(inverted) : own)]) {
    const { bias, field, values } = rule
    const has = rules.some((r) => r.field === field && r.bias === bias && same(r.values, values))
    if (!has) rules.push(rule)
  }
  return rules
}

/** Of its own fields the old engine took the sign the wrong way round: above 0 an item had to have one of the values. */
function inverted(rule: FieldRule): FieldRule {
  return rule.bias > 0 ? { ...rule, bias: -1 } : rule
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}

/** A query's ranges, all of them; they replace the test of availability, but for Harness. */
function datesOf(params: UniversalParams, query: UniversalQuery, now: number): readonly DateRule[] {
  const ranges = query.dateRange.map(({ name, after, before }) => ({
    field: name,
    after,
    before,
    includeBefore: false,
  }))
  if (params.compatibility === 'harness-0.6') return [...ranges, ...availability(params, now)]
  return ranges.length > 0 ? ranges : availability(params, query.currentDate ?? now)
}

/** Available and not expired at a date: by each property that is configured, in `ur-0.7` only if both are. */
function availability(params: UniversalParams, date: number): readonly DateRule[] {
  const { availableDateName: available, compatibility, expireDateName: expires } = params
  if (compatibility === 'ur-0.7' && (available === null || expires === null)) return []
  const rules: DateRule[] = []
  if (available !== null) {
    const includeBefore = compatibility !== 'harness-0.6'
    rules.push({ field: available, after: null, before: date, includeBefore })
  }
  if (expires !== null) {
    rules.push({ field: expires, after: date, before: null, includeBefore: false })
  }
  return rules
}

function excludedOf({ params, query, history }: PlanInput): readonly string[] {
  const excluded = new Set(query.blacklistItems)
  if (query.item !== null && !(query.returnSelf ?? params.returnSelf)) excluded.add(query.item)
  const setMayReturn = params.compatibility === 'harness-0.6' && query.returnSelf === true
  if (!setMayReturn) for (const item of query.itemSet ?? []) excluded.add(item)
  const names = blacklistNames(params, query)
  for (const { event, targetEntityId } of history) {
    if (names.includes(event)) excluded.add(targetEntityId)
  }
  return [...excluded]
}

/** Events whose targets the user is not shown again. */
export function blacklistNames(params: UniversalParams, query: UniversalQuery): readonly string[] {
  const { eventNames } = query
  if (eventNames === null || params.compatibility === 'none') return params.blacklistEvents
  return params.blacklistEvents.filter((name) => eventNames.includes(name))
}

/** Order in which the old engine sorted by rankings, whatever the order in engine.json. */
const OLD_ORDER: readonly RankingType[] = ['trending', 'popular', 'userDefined', 'hot', 'random']

function rankingsOf(params: UniversalParams): readonly string[] {
  const { compatibility, rankings } = params
  if (compatibility === 'harness-0.6') return rankings.slice(0, 1).map(({ name }) => name)
  const ordered =
    compatibility === 'none'
      ? rankings
      : rankings.toSorted((a, b) => OLD_ORDER.indexOf(a.type) - OLD_ORDER.indexOf(b.type))
  return ordered.map(({ name }) => name)
}
