// What a query should be answered: every item is looked at, scored and sorted. Slow, and written from the description of
// the old engines and of our own scoring alone; nothing of the planner or the index is in it.
import type { ToldEvent } from '../serving-fixture.ts'
import { dateOf, foldItems, type Item, isTargeted, textsOf } from './items.ts'
import { type ReferenceModel, referenceModel } from './model.ts'
import type { ReferenceQuery } from './query.ts'
import { type Clause, type Scored, scoreOf, shardOf } from './score.ts'
import { oldCut, queryLimit, type Rule, type Settings } from './settings.ts'

export interface Answer {
  readonly item: string
  readonly score: number
}

interface Asked {
  readonly clauses: readonly Clause[]
  /** Each must be matched; with none of its ids nothing matches. */
  readonly must: readonly Clause[]
  readonly rules: readonly Rule[]
  readonly dates: readonly { name: string; passes: (date: number) => boolean }[]
  readonly excluded: ReadonlySet<string>
}

export interface Reference {
  readonly model: ReferenceModel
  answer(query: ReferenceQuery): readonly Answer[]
}

export function createReference(
  told: readonly ToldEvent[],
  given: Settings,
  now: number,
): Reference {
  const settings = given.recsModel === 'collabFiltering' ? { ...given, rankings: [] } : given
  const named = (events: readonly ToldEvent[]): ToldEvent[] =>
    events.map((event) => ({ ...event, event: indicatorOf(event.event, settings) }))
  const inWindow = told.filter(
    (event) => !isTargeted(event) || isRecent(Date.parse(event.eventTime), settings, now),
  )
  const recent = named(inWindow)
  const items = foldItems(recent)
  const trained = settings.removeDuplicates ? named(newestOf(inWindow)) : recent
  const model = referenceModel(trained, settings, now)
  const described = [...items].filter(([, { properties }]) => properties.size > 0)
  // An item that was once bought is one, however long that is ago.
  const bought = named(told)
    .filter(isTargeted)
    .filter((e) => e.event === settings.indicators[0]?.name && e.targetEntityType === 'item')
  const documents = [
    ...new Set([
      ...model.trained,
      ...bought.map((event) => event.targetEntityId),
      ...described.map(([id]) => id),
    ]),
  ]
  const rankings = sortedRankings(settings)
  const rankOf = (name: string, id: string): number | undefined => {
    if (settings.rankings.find((r) => r.name === name)?.type !== 'userDefined') {
      return model.ranks.get(name)?.get(id)
    }
    const value = items.get(id)?.properties.get(name)
    return typeof value === 'number' ? value : undefined
  }
  return {
    model,
    answer(query) {
      const asked = ask(query, { events: recent, items, model, settings, now })
      const scored = documents
        .filter((id) => passes(id, asked, items, model))
        .map((id): Scored => {
          const { clauses, rules } = asked
          const input = { id, clauses, rules, items, model, settings, ranking: rankings[0] }
          return { id, score: scoreOf(input), ranks: rankings.map((name) => rankOf(name, id)) }
        })
        .sort((a, b) => compare(a, b, settings))
      const shown = shows(asked, settings) ? scored : scored.filter(({ score }) => score > 0)
      const from = query.from ?? 0
      const page = shown.slice(from, from + (query.num ?? settings.num))
      return page.map(({ id, score }) => ({ item: id, score }))
    },
  }
}

function sortedRankings({ compatibility, rankings }: Settings): readonly string[] {
  if (compatibility === 'harness-0.6') return rankings.slice(0, 1).map(({ name }) => name)
  const order = ['trending', 'popular', 'userDefined', 'hot', 'random']
  const sorted =
    compatibility === 'none'
      ? rankings
      : rankings.toSorted((a, b) => order.indexOf(a.type) - order.indexOf(b.type))
  return sorted.map(({ name }) => name)
}

function compare(a: Scored, b: Scored, { scoring }: Settings): number {
  if (a.score !== b.score) return b.score - a.score
  for (const [i, left] of a.ranks.entries()) {
    const right = b.ranks[i]
    if (left !== right) {
      return (right ?? Number.NEGATIVE_INFINITY) - (left ?? Number.NEGATIVE_INFINITY)
    }
  }
  if (scoring === 'es5' && shardOf(a.id) !== shardOf(b.id)) return shardOf(a.id) - shardOf(b.id)
  return a.id < b.id ? -1 : 1
}

/** Of what one did to one thing, under one name, only the newest. */
function newestOf(events: readonly ToldEvent[]): ToldEvent[] {
  const newest = new Map<string, ToldEvent>()
  for (const event of events.filter(isTargeted)) {
    const { event: name, entityType, entityId, targetEntityType, targetEntityId } = event
    const key = JSON.stringify([name, entityType, entityId, targetEntityType, targetEntityId])
    const known = newest.get(key)
    if (known === undefined || Date.parse(known.eventTime) < Date.parse(event.eventTime)) {
      newest.set(key, event)
    }
  }
  return [...events.filter((event) => !isTargeted(event)), ...newest.values()]
}

/** Events of an alias are events of the indicator. */
function indicatorOf(event: string, { indicators }: Settings): string {
  return indicators.find(({ aliases }) => aliases.includes(event))?.name ?? event
}

function isRecent(time: number, { windowDays }: Settings, now: number): boolean {
  return windowDays === null || time >= now - windowDays * 86_400_000
}

/**
 * Whether items without a score are shown. In Harness only to who asks for nothing, or has a rule that an item must match;
 * with `collabFiltering` today not at all, unless the evidence is there to filter.
 */
function shows({ clauses, must, rules }: Asked, settings: Settings): boolean {
  const { scoring, compatibility, recsModel } = settings
  if (compatibility === 'none' && recsModel === 'collabFiltering') return must.length > 0
  if (compatibility !== 'harness-0.6' || scoring === 'weighted') return true
  if (rules.some(({ bias }) => bias < 0)) return true
  return clauses.length === 0 && rules.every(({ bias }) => bias <= 0)
}

interface World {
  readonly events: readonly ToldEvent[]
  readonly items: ReadonlyMap<string, Item>
  readonly model: ReferenceModel
  readonly settings: Settings
  readonly now: number
}

function ask(given: ReferenceQuery, world: World): Asked {
  const { settings } = world
  const harness = settings.compatibility === 'harness-0.6'
  const query = harness ? asHarness(given) : given
  const history = historyOf(query, world)
  const user = bias(settings, settings.userBias, query.userBias)
  const item = bias(settings, settings.itemBias, query.itemBias)
  const told = query.user !== undefined || query.history !== undefined
  const ofUser = told ? userClauses(query, history, settings) : []
  const ofItem = itemClauses(query, world)
  const all = [
    ...ofUser.map((clause) => ({ ...clause, ...user })),
    ...ofItem.map((clause) => ({ ...clause, ...item })),
    ...setClauses(query, settings).map((clause) => ({ ...clause, must: false })),
  ]
  const counting = all.filter(({ boost }) => boost > 0)
  return {
    clauses: counting.filter(({ must, ids }) => !must && ids.length > 0),
    // The old engine keeps a filter without ids.
    must: counting.filter(
      ({ must, ids }) => must && (ids.length > 0 || settings.compatibility !== 'none'),
    ),
    rules: rulesOf(query, settings),
    dates: datesOf(query, world),
    excluded: excludedOf(query, given, history, settings),
  }
}

/** In Harness a set of one id is an item. */
function asHarness(query: ReferenceQuery): ReferenceQuery {
  const { itemSet, currentDate: _ignored, ...rest } = query
  const [only] = itemSet ?? []
  if (itemSet?.length === 1 && only !== undefined && query.item === undefined) {
    return { ...rest, item: only }
  }
  return itemSet === undefined ? rest : { ...rest, itemSet }
}

/** A query's own events and those of its user, newest first. */
function historyOf(query: ReferenceQuery, { events, settings }: World) {
  const stored = events
    .filter(isTargeted)
    .filter(({ entityType, entityId }) => entityType === 'user' && entityId === query.user)
    .map(({ event, targetEntityId: id, eventTime }) => ({ event, id, at: Date.parse(eventTime) }))
  const told = (query.history ?? []).map(({ event, item, eventTime }) => ({
    event: indicatorOf(event, settings),
    id: item,
    at: eventTime === undefined ? Number.POSITIVE_INFINITY : Date.parse(eventTime),
  }))
  return [...told, ...stored].toSorted((a, b) => (a.at === b.at ? 0 : b.at - a.at))
}

function bias(
  { compatibility }: Settings,
  engine: number,
  query: number | undefined,
): { boost: number; must: boolean } {
  const its = query ?? engine
  if (compatibility === 'none') return { boost: Math.abs(its), must: its < 0 }
  if (engine < 0) return { boost: 1, must: true }
  return { boost: its > 0 ? its : 1, must: false }
}

type BareClause = Pick<Clause, 'indicator' | 'ids'>

function userClauses(
  { eventNames }: ReferenceQuery,
  history: ReturnType<typeof historyOf>,
  settings: Settings,
): BareClause[] {
  const { compatibility, indicators, removeDuplicates } = settings
  const cut = oldCut(settings)
  return indicators
    .filter(({ name }) => eventNames?.includes(name) ?? true)
    .slice(0, cut === null ? undefined : cut - 1)
    .map((indicator) => {
      const { name } = indicator
      const limit = queryLimit(indicator, settings)
      const all = history.filter(({ event }) => event === name).map(({ id }) => id)
      const ids =
        compatibility === 'none' || removeDuplicates
          ? [...new Set(all)].slice(0, limit)
          : [...new Set(all.slice(0, limit))]
      return { indicator: name, ids }
    })
}

function itemClauses({ item }: ReferenceQuery, { model, settings }: World): BareClause[] {
  if (item === undefined || !model.trained.has(item)) return []
  const cut = oldCut(settings)
  return settings.indicators.map(({ name }) => {
    const ids = (model.lists.get(name)?.get(item) ?? []).map(([id]) => id)
    return { indicator: name, ids: cut !== null && ids.length > cut ? ids.slice(0, cut - 1) : ids }
  })
}

function setClauses(
  { itemSet = [], itemSetBias }: ReferenceQuery,
  settings: Settings,
): (BareClause & { boost: number })[] {
  const times =
    settings.compatibility === 'harness-0.6'
      ? settings.itemSetBias * itemSet.length
      : (itemSetBias ?? settings.itemSetBias)
  const indicator = settings.indicators[0]?.name ?? ''
  return [{ indicator, ids: [...new Set(itemSet)], boost: times }]
}

function rulesOf({ fields = [] }: ReferenceQuery, settings: Settings): readonly Rule[] {
  if (settings.compatibility !== 'ur-0.7') {
    const named = fields.map(({ name }) => name)
    return [...fields, ...settings.fields.filter(({ name }) => !named.includes(name))]
  }
  const own = settings.scoring === 'weighted' ? settings.fields : settings.fields.map(inverted)
  const all = [...fields, ...own].map((rule) => JSON.stringify(rule))
  return [...new Set(all)].map((rule) => JSON.parse(rule) as Rule)
}

/** The old engine took the sign of its own fields the wrong way round. */
function inverted(rule: Rule): Rule {
  return rule.bias > 0 ? { ...rule, bias: -1 } : rule
}

function datesOf(query: ReferenceQuery, { settings, now }: World): Asked['dates'] {
  const { compatibility, available, expires } = settings
  const listed = query.dateRange === undefined ? [] : [query.dateRange].flat()
  const ranges = listed.map(({ name, after, before }) => ({
    name,
    passes: (date: number) =>
      (after === undefined || date > Date.parse(after)) &&
      (before === undefined || date < Date.parse(before)),
  }))
  const strict = compatibility === 'harness-0.6'
  if (ranges.length > 0 && !strict) return ranges
  if (compatibility === 'ur-0.7' && (available === null || expires === null)) return ranges
  const at = query.currentDate === undefined ? now : Date.parse(query.currentDate)
  const from = (date: number): boolean => (strict ? date < at : date <= at)
  return [
    ...ranges,
    ...(available === null ? [] : [{ name: available, passes: from }]),
    ...(expires === null ? [] : [{ name: expires, passes: (date: number) => date > at }]),
  ]
}

function excludedOf(
  query: ReferenceQuery,
  given: ReferenceQuery,
  history: ReturnType<typeof historyOf>,
  { blacklist, compatibility, returnSelf }: Settings,
): ReadonlySet<string> {
  const excluded = new Set(query.blacklistItems ?? [])
  const harness = compatibility === 'harness-0.6'
  const self = harness ? given.returnSelf === false : (query.returnSelf ?? returnSelf)
  if (query.item !== undefined && !self) excluded.add(query.item)
  if (!harness || !self) for (const id of query.itemSet ?? []) excluded.add(id)
  for (const { event, id } of history) {
    const read = compatibility === 'none' || (query.eventNames?.includes(event) ?? true)
    if (read && blacklist.includes(event)) excluded.add(id)
  }
  return excluded
}

function passes(
  id: string,
  { must, rules, dates, excluded }: Asked,
  items: ReadonlyMap<string, Item>,
  model: ReferenceModel,
): boolean {
  const item = items.get(id)
  if (excluded.has(id) || item?.deleted) return false
  if (dates.some(({ name, passes }) => !passes(dateOf(item, name)))) return false
  for (const { name, values, bias } of rules) {
    const has = textsOf(item, name).some((text) => values.includes(text))
    if (bias < 0 ? !has : bias === 0 && has) return false
  }
  return must.every(({ indicator, ids }) =>
    (model.lists.get(indicator)?.get(id) ?? []).some(([one]) => ids.includes(one)),
  )
}
