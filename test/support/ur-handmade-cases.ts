// The Universal Recommender's own integration test: its queries, and whether an answer is one of those expected.
import { readFileSync } from 'node:fs'
import type { JsonObject } from '#schemas/json'
import type { Scoring } from '#schemas/query'

const folder = new URL('../fixtures/ur-handmade/', import.meta.url)

/** Dates in the data are relative to this instant. */
export const IMPORTED: number = Date.parse('2025-01-01T00:00:00.000Z')

export interface HandmadeCase {
  readonly id: string
  readonly title: string
  readonly query: JsonObject
  /** The original body, where it is no JSON. */
  readonly raw?: string
  readonly expected: { readonly itemScores: readonly { item: string; score: number }[] }
  /** Items of one group have equal scores and ranks: any order is right within it. */
  readonly groups: readonly { readonly start: number; readonly items: readonly string[] }[]
}

export type OldScoring = 'global' | 'es5' | 'es7'

/** What each scoring of old is to answer: as published, or by a reference program. */
export const TARGETS: readonly { scoring: OldScoring; file: string; title: string }[] = [
  { scoring: 'global', file: 'expected-global.jsonl', title: 'global statistics' },
  { scoring: 'es5', file: 'queries.jsonl', title: 'five shards, as published' },
  { scoring: 'es7', file: 'expected-bm25.jsonl', title: 'BM25 in one shard' },
]

/** Lines of a file of the set; with `shift`, in milliseconds, all dates in it are moved by so much. */
export function handmadeLines<T>(file: string, shift = 0): T[] {
  const moved = (text: string): string => new Date(Date.parse(text) + shift).toISOString()
  return readFileSync(new URL(file, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, moved))
    .map((line) => JSON.parse(line) as T)
}

/** engine.json of the set with a scoring. */
export function handmadeEngine(scoring: Scoring, id?: string): JsonObject {
  const variant = JSON.parse(readFileSync(new URL('engine.json', folder), 'utf8'))
  variant.algorithms[0].params.scoring = scoring
  if (id !== undefined) variant.id = id
  return variant
}

/** Positions at which an answer has an item of another tie group, or too few or many items. */
export function misplaced(
  { query, expected, groups }: HandmadeCase,
  items: readonly string[],
): string[] {
  const from = typeof query.from === 'number' ? query.from : 0
  const wrong = items.filter((item, i) => {
    const group = groups.find(
      ({ start, items: tied }) => start <= from + i && from + i < start + tied.length,
    )
    return !group?.items.includes(item)
  })
  return items.length === expected.itemScores.length ? wrong : [...wrong, `${items.length} items`]
}

/** What is wrong with an answer, its scores to the bit; null when it is right. */
export function faultOf(
  one: HandmadeCase,
  found: readonly { readonly item: string; readonly score: number }[],
): string | null {
  const wrong = misplaced(
    one,
    found.map(({ item }) => item),
  )
  if (wrong.length > 0) return `${one.id}: ${wrong.join(', ')} in ${JSON.stringify(found)}`
  const scores = one.expected.itemScores.map(({ score }) => Math.fround(score))
  const different = scores.findIndex((score, i) => Math.fround(found[i]?.score ?? -1) !== score)
  return different < 0 ? null : `${one.id}: place ${different} in ${JSON.stringify(found)}`
}
