// The item index of the tests: every search scores every document afresh, straight from the port's comments. Slow on
// purpose; the embedded index is compared with it.
import { MillraceError } from '#ports/errors'
import type { ItemChange, ItemIndex, ItemLists } from '#ports/item-index'
import type { Health } from '#ports/lifecycle'
import type { EvidenceClause, ScoredAnswer, ScoredHit, ScoredQuery, Scoring } from '#schemas/query'
import { dateOf } from '#schemas/rule-values'
import { oldScore, shardOf, weightedScore } from './item-scoring.ts'
import { type AppItems, type Document, MemoryVersion, ruleMatches } from './item-version.ts'

type Match = NonNullable<ScoredHit['matches']>[number]

interface Scored {
  readonly item: string
  readonly score: number
  readonly ranks: readonly (number | undefined)[]
  readonly matches: readonly Match[]
  readonly rulesMatched: readonly number[]
}

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

function compare(a: Scored, b: Scored, scoring: Scoring): number {
  if (a.score !== b.score) return b.score - a.score
  for (const [i, left] of a.ranks.entries()) {
    const right = b.ranks[i]
    if (left === right) continue
    if (left === undefined || right === undefined) return left === undefined ? 1 : -1
    return right - left
  }
  const [left, right] = scoring === 'es5' ? [shardOf(a.item), shardOf(b.item)] : [0, 0]
  if (left !== right) return left - right
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
          ? weightedScore(document, query, open.prior(query.rankings[0], document))
          : oldScore(document, query, documents, open)
      return {
        item: document.item,
        ...result,
        ranks: query.rankings.map((name) => open.rankingOf(name, document)),
        rulesMatched: query.rules.flatMap((rule, i) =>
          rule.bias > 0 && ruleMatches(document, rule) ? [i] : [],
        ),
      }
    })
    .sort((a, b) => compare(a, b, query.scoring))
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
      return []
    },
    clearItems: async (app) => {
      apps.delete(app)
      for (const v of open.values()) if (v.version.app === app) v.modelItemsCount = false
    },
    refresh: async () => {},
    publish: async (version, model, options) => {
      const opened = new MemoryVersion(version, model)
      opened.modelItemsCount = options?.onlyTold !== true
      open.set(`${version.engineId}/${version.versionId}`, opened)
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
