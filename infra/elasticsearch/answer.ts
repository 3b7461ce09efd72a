// Hits of Elasticsearch as the answer has them. Everything of a hit that is always needed comes back as its sort values: the
// score, the rankings and the item, so no document is read; with `explain` its lists and texts are.
import type { EvidenceClause, ScoredHit, ScoredQuery } from '#schemas/query'
import { evidenceTerm, fieldName, fromKey, valueTerm } from './keys.ts'
import { ruleName, SUM_NAME } from './weighted-query.ts'

export interface SearchHit {
  readonly sort: readonly (number | string | null)[]
  readonly matched_queries?: Readonly<Record<string, number>>
  readonly _source?: {
    readonly evidence?: Readonly<Record<string, number>>
    readonly text?: readonly string[]
    readonly shard: number
  }
}

export interface SortOrder {
  /** Places in the query's rankings of those that the version has. */
  readonly rankings: readonly number[]
  readonly sort: readonly unknown[]
}

/** @param known names of the version's rankings */
export function sortOrder(query: ScoredQuery, known: readonly string[]): SortOrder {
  const rankings = [...query.rankings.keys()].filter((place) =>
    known.includes(query.rankings[place] as string),
  )
  return {
    rankings,
    sort: [
      { _score: 'desc' },
      ...rankings.map((place) => ({
        [`rank.${fieldName(query.rankings[place] as string)}`]: { order: 'desc', missing: '_last' },
      })),
      ...(query.scoring === 'es5' ? [{ shard: 'asc' }] : []),
      { item: 'asc' },
    ],
  }
}

export const EXPLAINED_MEMBERS = ['evidence', 'text', 'shard']

/** A hit with what decides its place. */
export interface RankedHit {
  readonly hit: SearchHit
  readonly item: string
  readonly score: number
  /** In the query's order; NaN where the item has none. */
  readonly ranks: readonly number[]
}

export function rankedHit(hit: SearchHit, query: ScoredQuery, { rankings }: SortOrder): RankedHit {
  const ranks = new Array<number>(query.rankings.length).fill(Number.NaN)
  for (const [i, place] of rankings.entries()) {
    // A missing value comes back as an infinity, in text.
    const value = hit.sort[i + 1]
    if (typeof value === 'number') ranks[place] = value
  }
  const score = Math.fround(hit.sort[0] as number)
  return { hit, item: fromKey(hit.sort.at(-1) as string), score, ranks }
}

/** The score that the port asks for, from the sum of the evidence and the positive rules that matched. */
export function exactScore({ hit }: RankedHit, { rules }: ScoredQuery): number {
  const matched = hit.matched_queries ?? {}
  let product = 1
  for (const [place, { bias }] of rules.entries()) {
    if (bias > 0 && ruleName(place) in matched) product *= bias
  }
  return Math.fround(Math.fround(matched[SUM_NAME] ?? 0) * product)
}

/** The order of the port: score, rankings with missing last, id. */
export function compareHits(a: RankedHit, b: RankedHit): number {
  if (a.score !== b.score) return b.score - a.score
  for (const [i, left] of a.ranks.entries()) {
    const right = b.ranks[i] as number
    if (left === right || (Number.isNaN(left) && Number.isNaN(right))) continue
    if (Number.isNaN(left) || Number.isNaN(right)) return Number.isNaN(left) ? 1 : -1
    return right - left
  }
  return a.item < b.item ? -1 : 1
}

/** What an id of a clause adds to a document that has it with this weight. */
export type WeighMatch = (
  clause: EvidenceClause,
  id: string,
  weight: number,
  shard: number,
) => number

export function toHit(
  { hit, item, score, ranks }: RankedHit,
  query: ScoredQuery,
  indicators: readonly string[],
  weigh: WeighMatch,
): ScoredHit {
  const known = ranks.flatMap((value, i) =>
    Number.isNaN(value) ? [] : [[query.rankings[i] as string, value] as const],
  )
  return {
    item,
    score,
    ranks: query.withRanks || query.explain ? Object.fromEntries(known) : null,
    matches: query.explain ? matchesOf(hit, query, indicators, weigh) : null,
    rulesMatched: query.explain ? rulesMatched(hit, query) : null,
  }
}

function matchesOf(
  { _source }: SearchHit,
  query: ScoredQuery,
  indicators: readonly string[],
  weigh: WeighMatch,
): NonNullable<ScoredHit['matches']> {
  const { evidence = {}, shard = 0 } = _source ?? {}
  return query.evidence
    .flatMap((clause) => {
      const { ids, indicator, must, source } = clause
      const place = indicators.indexOf(indicator)
      if (must || place < 0) return []
      return ids.flatMap((id) => {
        const term = evidenceTerm(place, id)
        if (!Object.hasOwn(evidence, term)) return []
        const weight = weigh(clause, id, evidence[term] as number, shard)
        return [{ indicator, id, weight, source }]
      })
    })
    .sort((a, b) => b.weight - a.weight)
}

function rulesMatched({ _source }: SearchHit, { rules }: ScoredQuery): number[] {
  const text = new Set(_source?.text)
  return rules.flatMap(({ bias, field, values }, place) =>
    bias > 0 && values.some((value) => text.has(valueTerm(field, value))) ? [place] : [],
  )
}
