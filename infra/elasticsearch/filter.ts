// What keeps documents out of an answer, as clauses that do not score.
import type { DateRule, EvidenceClause, FieldRule, ScoredQuery } from '#schemas/query'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import { documentId, evidenceTerm, fieldName, valueTerm } from './keys.ts'

const { terms: TERMS_MAX } = ELASTICSEARCH_LIMITS

/** Any clause of the query language. */
export type Clause = Readonly<Record<string, unknown>>

export interface Filters {
  readonly filter: readonly Clause[]
  readonly must_not: readonly Clause[]
}

/** Documents that may be returned, and the few that may not: every document is one or the other. */
export const LIVE: Clause = { term: { live: true } }
export const NOT_LIVE: Clause = { term: { live: false } }

/** @param indicators names of the model's, by whose places terms are told */
export function filtersOf(query: ScoredQuery, indicators: readonly string[]): Filters {
  const { dates, evidence, excludeIds, rules } = query
  return {
    filter: [
      LIVE,
      ...evidence.filter(({ must }) => must).map((clause) => mustMatch(clause, indicators)),
      ...rules.filter(({ bias }) => bias < 0).map(ruleClause),
      ...dates.map(dateClause),
    ],
    must_not: [
      ...rules.filter(({ bias }) => bias === 0).map(ruleClause),
      ...portions([...new Set(excludeIds)].map(documentId)).map((values) => ({ ids: { values } })),
    ],
  }
}

/** Documents whose property has one of the values. */
export function ruleClause({ field, values }: FieldRule): Clause {
  const terms = [...new Set(values)].map((value) => valueTerm(field, value))
  const clauses = portions(terms).map((portion) => ({ terms: { text: portion } }))
  const [first, ...others] = clauses
  if (first === undefined) return { match_none: {} }
  return others.length === 0 ? first : { bool: { should: clauses, minimum_should_match: 1 } }
}

/** Documents whose list has one of the ids; none when the model has no such indicator. */
function mustMatch({ indicator, ids }: EvidenceClause, indicators: readonly string[]): Clause {
  const place = indicators.indexOf(indicator)
  if (place < 0 || ids.length === 0) return { match_none: {} }
  return sparse(ids.map((id) => [evidenceTerm(place, id), 1]))
}

/** Sums the products of these weights and a document's. */
export function sparse(weights: Iterable<readonly [term: string, weight: number]>): Clause {
  return { sparse_vector: { field: 'evidence', query_vector: Object.fromEntries(weights) } }
}

function dateClause({ field, after, before, includeBefore }: DateRule): Clause {
  const path = `date.${fieldName(field)}`
  if (after === null && before === null) return { exists: { field: path } }
  const bounds = {
    ...(after !== null && { gt: after }),
    ...(before !== null && { [includeBefore ? 'lte' : 'lt']: before }),
  }
  return { range: { [path]: bounds } }
}

function portions<T>(all: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let at = 0; at < all.length; at += TERMS_MAX) parts.push(all.slice(at, at + TERMS_MAX))
  return parts
}
