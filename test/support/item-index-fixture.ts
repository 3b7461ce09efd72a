// Short forms of models, states and queries for tests of the item index.
import type { IndexVersion, ItemChange } from '#ports/item-index'
import type { Json } from '#schemas/json'
import type { Model } from '#schemas/model'
import { roundWeight } from '#schemas/numerics'
import type { EvidenceClause, ScoredQuery } from '#schemas/query'

/** Weighted ids by item, by indicator. */
export type ShortLists = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>
>

export interface ShortModel {
  readonly items: readonly string[]
  readonly lists?: ShortLists
  /** Values by item, by ranking. */
  readonly rankings?: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export function makeModel({ items, lists = {}, rankings = {} }: ShortModel): Model {
  const sorted = [...items].sort()
  return {
    items: sorted,
    indicators: Object.entries(lists).map(([name, byItem]) => makeLists(name, sorted, byItem)),
    rankings: Object.entries(rankings).map(([name, values]) => ({
      name,
      type: 'popular' as const,
      values: Float64Array.from(sorted, (item) => values[item] ?? Number.NaN),
    })),
  }
}

function makeLists(name: string, items: readonly string[], byItem: ShortLists[string] = {}) {
  const terms = [...new Set(Object.values(byItem).flatMap((list) => Object.keys(list)))].sort()
  const numbers = new Map(terms.map((term, number) => [term, number]))
  const starts = new Uint32Array(items.length + 1)
  const term: number[] = []
  const weight: number[] = []
  for (const [row, item] of items.entries()) {
    const list = Object.entries(byItem[item] ?? {})
      .map(([id, value]) => ({ number: numbers.get(id) as number, value: roundWeight(value) }))
      .sort((a, b) => b.value - a.value || a.number - b.number)
    for (const { number, value } of list) {
      term.push(number)
      weight.push(value)
    }
    starts[row + 1] = term.length
  }
  return { name, terms, starts, term: Uint32Array.from(term), weight: Float32Array.from(weight) }
}

export const VERSION: IndexVersion = {
  app: 1,
  engineId: 'shop',
  versionId: 'v1',
  primaryEvent: 'buy',
  userDefinedRankings: [],
}

export function scoredQuery(parts: Partial<ScoredQuery> = {}): ScoredQuery {
  return {
    scoring: 'weighted',
    evidence: [],
    rules: [],
    dates: [],
    excludeIds: [],
    from: 0,
    num: 20,
    rankings: ['popRank'],
    withRanks: false,
    explain: false,
    ...parts,
  }
}

export function clause(
  indicator: string,
  ids: readonly string[],
  parts: Partial<EvidenceClause> = {},
): EvidenceClause {
  return { indicator, ids, boost: 1, must: false, source: 'user', ...parts }
}

/** The state of an item with these properties; without any it does not exist. */
export function itemState(
  item: string,
  offset: number,
  properties: Readonly<Record<string, Json>> | null,
): ItemChange {
  return {
    type: 'state',
    state: {
      item,
      offset,
      exists: properties !== null,
      deleted: false,
      properties: properties ?? {},
    },
  }
}

export function deletedItem(item: string, offset: number): ItemChange {
  return {
    type: 'state',
    state: { item, offset, exists: false, deleted: true, properties: {} },
  }
}

export function seenItem(item: string, event = 'buy'): ItemChange {
  return { type: 'seen', event, item }
}
