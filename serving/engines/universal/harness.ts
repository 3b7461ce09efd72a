// Harness' dialect of queries and answers (`compatibility: "harness-0.6"`): other names, `returnSelf` the other way round, and
// no backfill behind personal results. What a query means to the index is decided by `plan.ts`.
import type { ScoredHit, ScoredQuery, UniversalQuery } from '#schemas/query'
import type { QueryNames } from './query.ts'
import type { Recommendation } from './recommend.ts'

export const HARNESS_NAMES: QueryNames = { fields: 'rules', eventNames: 'indicatorNames' }

/** A query as Harness understands it: excluded is the item unless `returnSelf` is false, a set of one id is an item. */
export function harnessQuery(query: UniversalQuery): UniversalQuery {
  const [only, ...others] = query.itemSet ?? []
  const single = only !== undefined && others.length === 0 && query.item === null
  return {
    ...query,
    item: single ? only : query.item,
    itemSet: single ? null : query.itemSet,
    returnSelf: query.returnSelf === false,
    withRanks: false,
  }
}

/**
 * The hits without those that nothing but a ranking brought: Harness fills up only queries that ask for nothing, and those
 * with a rule that an item must match. In `weighted` a ranking adds to every score, and all stay.
 */
export function withoutBackfill(
  { evidence, rules, scoring }: ScoredQuery,
  hits: readonly ScoredHit[],
): readonly ScoredHit[] {
  if (scoring === 'weighted' || rules.some(({ bias }) => bias < 0)) return hits
  const asked = evidence.some(({ must }) => !must) || rules.some(({ bias }) => bias > 0)
  return asked ? hits.filter(({ score }) => score > 0) : hits
}

/** `{"result":[{"item":"…","score":1.4384104013442993},…]}`: scores as doubles with all their digits. */
export function writeHarnessAnswer({ hits, explanations }: Recommendation): string {
  const entries = hits.map(({ item, score }, i) => {
    const digits = Number.isInteger(score) ? `${score}.0` : String(score)
    const why = explanations === null ? '' : `,"explanation":${JSON.stringify(explanations[i])}`
    return `{"item":${JSON.stringify(item)},"score":${digits}${why}}`
  })
  return `{"result":[${entries.join(',')}]}`
}
