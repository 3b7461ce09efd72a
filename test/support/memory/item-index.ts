// The item index of the tests: every search scores every document afresh, straight from the port's comments. Slow on
// purpose; the embedded index is compared with it.
import { MillraceError } from '#ports/errors'
import {
  type IndexVersion,
  type ItemChange,
  type ItemIndex,
  type ItemLists,
  PRIOR_WEIGHT,
} from '#ports/item-index'
import type { Health } from '#ports/lifecycle'
import type { Model } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import type {
  EvidenceClause,
  FieldRule,
  ScoredAnswer,
  ScoredHit,
  ScoredQuery,
} from '#schemas/query'
import { dateOf, ruleTexts } from '#schemas/rule-values'
import type { ItemState } from '#schemas/state'

interface AppItems {
  states: Map<string, ItemState>
  /** Items seen as targets, by event. */
  seen: Map<string, Set<string>>
}

/** One document of a version, as one search sees it. */
interface Document {
  readonly item: string
  /** indicator → id → weight */
  readonly lists: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly state: ItemState | undefined
}

type Match = NonNullable<ScoredHit['matches']>[number]

interface Scored {
  readonly item: string
  readonly score: number
  readonly ranks: readonly (number | undefined)[]
  readonly matches: readonly Match[]
  readonly rulesMatched: readonly number[]
}

class MemoryVersion {
  readonly version: IndexVersion
  readonly model: Model
  /** False once the app's items were forgotten: items of the model count when they are told again. */
  modelItemsCount = true

  constructor(version: IndexVersion, model: Model) {
    this.version = version
    this.model = model
  }

  listsOf(item: string): Map<string, Map<string, number>> {
    const row = this.model.items.indexOf(item)
    const lists = new Map<string, Map<string, number>>()
    for (const { name, terms, starts, term, weight } of this.model.indicators) {
      const list = new Map<string, number>()
      for (let i = starts[row] ?? 0; row >= 0 && i < (starts[row + 1] ?? 0); i++) {
        list.set(terms[term[i] as number] as string, roundWeight(weight[i] as number))
      }
      lists.set(name, list)
    }
    return lists
  }

  documents(app: AppItems): Document[] {
    const items = new Set(this.modelItemsCount ? this.model.items : [])
    for (const item of app.seen.get(this.version.primaryEvent) ?? []) items.add(item)
    for (const [item, state] of app.states) {
      if (state.exists && Object.keys(state.properties).length > 0) items.add(item)
    }
    return [...items].map((item) => ({
      item,
      lists: this.listsOf(item),
      state: app.states.get(item),
    }))
  }

  rankingOf(name: string, { item, state }: Document): number | undefined {
    if (this.version.userDefinedRankings.includes(name)) {
      const value = state?.properties[name]
      return typeof value === 'number' ? value : undefined
    }
    const ranking = this.model.rankings.find((r) => r.name === name)
    const value = ranking?.values[this.model.items.indexOf(item)]
    return value === undefined || Number.isNaN(value) ? undefined : value
  }

  /** The prior clause: only a trained ranking has a sum that stands still, and only positive values weigh. */
  prior(name: string | undefined, document: Document): number {
    const ranking = this.model.rankings.find((r) => r.name === name)
    if (name === undefined || ranking === undefined) return 0
    const value = this.rankingOf(name, document)
    if (value === undefined || !(value > 0)) return 0
    let sum = 0
    for (const v of ranking.values) if (v > 0) sum += v
    return roundWeight((PRIOR_WEIGHT * value) / sum)
  }
}

const textsOf = (document: Document, field: string): readonly string[] => {
  const properties = document.state?.properties ?? {}
  return Object.hasOwn(properties, field) ? ruleTexts(properties[field] ?? null) : []
}

const ruleMatches = (document: Document, rule: FieldRule): boolean =>
  textsOf(document, rule.field).some((text) => rule.values.includes(text))

const clauseMatches = (document: Document, clause: EvidenceClause): boolean =>
  clause.ids.some((id) => document.lists.get(clause.indicator)?.has(id))

/** Everything that keeps a document out of an answer. */
function allowed(document: Document, query: ScoredQuery): boolean {
  if (document.state?.deleted) return false
  if (query.excludeIds.includes(document.item)) return false
  for (const clause of query.evidence) {
    if (clause.must && !clauseMatches(document, clause)) return false
  }
  for (const rule of query.rules) {
    if (rule.bias < 0 && !ruleMatches(document, rule)) return false
    if (rule.bias === 0 && ruleMatches(document, rule)) return false
  }
  return query.dates.every(({ field, after, before, includeBefore }) => {
    const properties = document.state?.properties ?? {}
    const date = dateOf(Object.hasOwn(properties, field) ? (properties[field] ?? null) : null)
    if (Number.isNaN(date)) return false
    if (after !== null && !(date > after)) return false
    return before === null || (includeBefore ? date <= before : date < before)
  })
}

/** Inverse document frequency over all documents of a version (deleted ones too). */
function idf(withValue: number, withTerm: number): number {
  return Math.fround(Math.log(1 + (withValue - withTerm + 0.5) / (withTerm + 0.5)))
}

/** Every item of the model counts, deleted and forgotten ones too. */
function indicatorIdf(open: MemoryVersion, indicator: string, id: string): number {
  const lists = open.model.items.map((item) => open.listsOf(item).get(indicator))
  const withValue = lists.filter((list) => (list?.size ?? 0) > 0)
  return idf(withValue.length, withValue.filter((list) => list?.has(id)).length)
}

function fieldIdf(documents: readonly Document[], field: string, value: string): number {
  const texts = documents.map((d) => textsOf(d, field)).filter((t) => t.length > 0)
  return idf(texts.length, texts.filter((t) => t.includes(value)).length)
}

function matchesOf(
  document: Document,
  query: ScoredQuery,
  weigh: (clause: EvidenceClause, id: string, weight: number) => number,
): Match[][] {
  return query.evidence.map((clause) => {
    if (clause.must) return []
    const list = document.lists.get(clause.indicator)
    return clause.ids.flatMap((id) => {
      const weight = list?.get(id)
      if (weight === undefined) return []
      const { indicator, source } = clause
      return [{ indicator, id, weight: weigh(clause, id, weight), source }]
    })
  })
}

function weighted(document: Document, query: ScoredQuery, prior: number) {
  const matches = matchesOf(document, query, (clause, _id, weight) => clause.boost * weight).flat()
  let sum = 0
  for (const match of matches) sum += match.weight
  const whole = Math.fround(sum + prior)
  let product = 1
  for (const rule of query.rules) {
    if (rule.bias > 0 && ruleMatches(document, rule)) product *= rule.bias
  }
  return { score: Math.fround(whole * product), matches }
}

function global(
  document: Document,
  query: ScoredQuery,
  documents: readonly Document[],
  open: MemoryVersion,
) {
  const byClause = matchesOf(document, query, (clause, id) =>
    Math.fround(indicatorIdf(open, clause.indicator, id) * clause.boost),
  )
  let score = 0
  for (const matches of byClause) {
    score += Math.fround(matches.reduce((sum, { weight }) => sum + weight, 0))
  }
  for (const rule of query.rules) {
    if (rule.bias <= 0) continue
    const texts = textsOf(document, rule.field)
    let sum = 0
    for (const value of new Set(rule.values)) {
      if (!texts.includes(value)) continue
      sum += Math.fround(fieldIdf(documents, rule.field, value) * rule.bias)
    }
    score += Math.fround(sum)
  }
  return { score: Math.fround(score), matches: byClause.flat() }
}

function compare(a: Scored, b: Scored): number {
  if (a.score !== b.score) return b.score - a.score
  for (const [i, left] of a.ranks.entries()) {
    const right = b.ranks[i]
    if (left === right) continue
    if (left === undefined || right === undefined) return left === undefined ? 1 : -1
    return right - left
  }
  return a.item < b.item ? -1 : 1
}

function toHit(scored: Scored, query: ScoredQuery): ScoredHit {
  const ranks: Record<string, number> = {}
  for (const [i, name] of query.rankings.entries()) {
    const value = scored.ranks[i]
    if (value !== undefined) ranks[name] = value
  }
  return {
    item: scored.item,
    score: scored.score,
    ranks: query.withRanks || query.explain ? ranks : null,
    matches: query.explain ? [...scored.matches].sort((a, b) => b.weight - a.weight) : null,
    rulesMatched: query.explain ? scored.rulesMatched : null,
  }
}

function search(open: MemoryVersion, app: AppItems, query: ScoredQuery): ScoredAnswer {
  const documents = open.documents(app)
  const scored = documents
    .filter((document) => allowed(document, query))
    .map((document): Scored => {
      const result =
        query.scoring === 'weighted'
          ? weighted(document, query, open.prior(query.rankings[0], document))
          : global(document, query, documents, open)
      return {
        item: document.item,
        ...result,
        ranks: query.rankings.map((name) => open.rankingOf(name, document)),
        rulesMatched: query.rules.flatMap((rule, i) =>
          rule.bias > 0 && ruleMatches(document, rule) ? [i] : [],
        ),
      }
    })
    .sort(compare)
  const page = scored.slice(query.from, query.from + query.num)
  return { hits: page.map((hit) => toHit(hit, query)), degraded: [] }
}

export function createMemoryItemIndex(): ItemIndex {
  const apps = new Map<number, AppItems>()
  const open = new Map<string, MemoryVersion>()
  const itemsOf = (app: number): AppItems => {
    let items = apps.get(app)
    if (items === undefined) {
      items = { states: new Map(), seen: new Map() }
      apps.set(app, items)
    }
    return items
  }
  const find = (engineId: string, versionId: string): MemoryVersion => {
    const found = open.get(`${engineId}/${versionId}`)
    if (found === undefined)
      throw new MillraceError('INDEX_VERSION_UNKNOWN', { version: `${engineId}/${versionId}` })
    return found
  }
  const apply = (items: AppItems, change: ItemChange): void => {
    if (change.type === 'seen') {
      const seen = items.seen.get(change.event) ?? new Set()
      items.seen.set(change.event, seen.add(change.item))
      return
    }
    const before = items.states.get(change.state.item)
    if (before !== undefined && before.offset > change.state.offset) return
    items.states.set(change.state.item, change.state)
  }
  return {
    applyItems: async (app, changes) => {
      for (const change of changes) apply(itemsOf(app), change)
    },
    clearItems: async (app) => {
      apps.delete(app)
      for (const v of open.values()) if (v.version.app === app) v.modelItemsCount = false
    },
    publish: async (version, model) => {
      open.set(`${version.engineId}/${version.versionId}`, new MemoryVersion(version, model))
    },
    retire: async (engineId, versionId) => {
      open.delete(`${engineId}/${versionId}`)
    },
    versions: () => [...open.values()].map((v) => v.version),
    search: async (engineId, versionId, query) => {
      const version = find(engineId, versionId)
      return search(version, itemsOf(version.version.app), query)
    },
    lists: async (engineId, versionId, items): Promise<ItemLists[]> => {
      const version = find(engineId, versionId)
      const documents = new Set(version.documents(itemsOf(version.version.app)).map((d) => d.item))
      return items
        .filter((item) => version.model.items.includes(item) && documents.has(item))
        .map((item) => ({
          item,
          lists: [...version.listsOf(item)].map(([indicator, list]) => ({
            indicator,
            ids: [...list.keys()],
            weights: [...list.values()],
          })),
        }))
    },
    health: async (): Promise<Health> => ({
      name: 'index',
      status: 'ok',
      detail: `${open.size} versions in memory.`,
    }),
    close: async () => {
      open.clear()
      apps.clear()
    },
  }
}
