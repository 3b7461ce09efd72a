// Short forms of models, states and queries for tests of the item index.
import assert from 'node:assert/strict'
import { type IndexVersion, type ItemChange, type ItemIndex, PRIOR_WEIGHT } from '#ports/item-index'
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
  primaryEvents: ['buy'],
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

/** The prior of a value in a ranking with this sum. */
export const prior = (value: number, sum: number): number =>
  roundWeight((PRIOR_WEIGHT * value) / sum)

export const SMALL: ShortModel = {
  items: ['a', 'b', 'c', 'd'],
  lists: {
    buy: { a: { b: 0.5, c: 0.25 }, b: { a: 0.75 }, c: { a: 0.5, b: 2 } },
    view: { a: { 'term 1': 1 }, d: { 'term 1': 0.125, 'term 2': 4 } },
  },
  rankings: { popRank: { a: 4, b: 3, c: 2, d: 1 } },
}

/** An index over a server is opened, and has to be waited for. */
export type CreateItemIndex = () => ItemIndex | Promise<ItemIndex>

/** A new index with a small model, and short ways to ask it. */
export function probeIndex(create: CreateItemIndex) {
  const open = async (model: ShortModel = SMALL): Promise<ItemIndex> => {
    const index = await create()
    await index.publish(VERSION, makeModel(model))
    return index
  }
  const answer = async (index: ItemIndex, query: Partial<ScoredQuery> = {}) => {
    await index.refresh()
    const { hits, degraded } = await index.search('shop', 'v1', scoredQuery(query))
    assert.deepEqual(degraded, [])
    return hits
  }
  const items = async (index: ItemIndex, query: Partial<ScoredQuery> = {}) =>
    (await answer(index, query)).map((hit) => hit.item)
  const scores = async (index: ItemIndex, query: Partial<ScoredQuery> = {}) =>
    (await answer(index, query)).map((hit) => [hit.item, hit.score])
  return { open, answer, items, scores }
}
