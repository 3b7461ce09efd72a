// The evidence of `weighted` scoring, so that Elasticsearch's sum is ours to the last bit.
//
// A sparse vector query adds fround(query weight · weight) in double and rounds the sum to float32. Our weights have 9
// significant bits, so the products are exact while a query weight has 15 at most; 1, 2 or 0.5 have. The prior clause is
// one more term of the same vector. So nearly every query is one sparse vector query.
//
// A query weight of more bits, such as 1.1, is cut into parts of 15 bits. A part cannot stand in the same vector query, and
// one vector query beside another would be rounded by itself; but one with a single term rounds nothing, and the boolean
// query around all of them adds in double again.
//
// Positive rules multiply, in double, as functions do here. But the factor of a function is a float32: with a bias of more
// bits the product would be off by one unit in the last place now and then. `isExact` says so, and answer.ts then computes
// the scores anew from the sum and the matching rules.
import type { EvidenceClause, ScoredQuery } from '#schemas/query'
import { type Clause, type Filters, LIVE, NOT_LIVE, ruleClause, sparse } from './filter.ts'
import { evidenceTerm, priorTerm } from './keys.ts'
import type { VersionMeta } from './versions.ts'

export interface WeightedQuery {
  readonly query: Clause
  /**
   * The same for documents with evidence or a place in the ranking only; null when there is neither. They come first, so it is
   * enough when they fill the page. The server then leaves out what cannot reach the page, which it does not while every
   * document may: a third of the CPU.
   */
  readonly scoredOnly: Clause | null
  /** The scores that come back are right to the last bit. */
  readonly isExact: boolean
}

/** Names under which clauses come back with a hit. */
export const SUM_NAME = 'sum'
export const ruleName = (rule: number): string => `rule ${rule}`

export function weightedQuery(
  query: ScoredQuery,
  meta: Pick<VersionMeta, 'indicators' | 'rankings'>,
  filters: Filters,
): WeightedQuery {
  const boosts = boostsOf(query.evidence, meta.indicators)
  const [first] = query.rankings
  if (first !== undefined && meta.rankings.includes(first)) boosts.set(priorTerm(first), 1)
  const evidence = evidenceClauses(boosts)
  const rules = query.rules
    .map((rule, place) => ({ rule, place }))
    .filter(({ rule }) => rule.bias > 0)
  const functions = rules.map(({ rule, place }) => ({
    filter: { bool: { filter: [ruleClause(rule)], _name: ruleName(place) } },
    weight: Math.fround(rule.bias),
  }))
  const multiplied = (sum: Clause): Clause =>
    functions.length === 0
      ? sum
      : {
          function_score: {
            ...{ query: sum, functions, score_mode: 'multiply', boost_mode: 'multiply' },
          },
        }
  return {
    query: multiplied({ bool: { ...filters, should: evidence, _name: SUM_NAME } }),
    scoredOnly: evidence.length === 0 ? null : multiplied(scoredOnly(evidence, filters)),
    isExact: rules.every(({ rule }) => Math.fround(rule.bias) === rule.bias),
  }
}

/** A filter that nearly all documents pass is dearer than to leave out those that do not. */
function scoredOnly(evidence: readonly Clause[], filters: Filters): Clause {
  const [only, ...others] = evidence
  return {
    bool: {
      must: others.length === 0 ? only : { bool: { should: evidence } },
      filter: filters.filter.filter((clause) => clause !== LIVE),
      must_not: [...filters.must_not, NOT_LIVE],
      _name: SUM_NAME,
    },
  }
}

/** The boost of each term, added up over all clauses that name it. */
function boostsOf(
  evidence: readonly EvidenceClause[],
  indicators: readonly string[],
): Map<string, number> {
  const boosts = new Map<string, number>()
  for (const { boost, ids, indicator, must } of evidence) {
    const place = indicators.indexOf(indicator)
    if (must || place < 0) continue
    for (const id of ids) {
      const term = evidenceTerm(place, id)
      boosts.set(term, (boosts.get(term) ?? 0) + boost)
    }
  }
  return boosts
}

function evidenceClauses(boosts: ReadonlyMap<string, number>): readonly Clause[] {
  if (boosts.size === 0) return []
  const parts = new Map([...new Set(boosts.values())].map((boost) => [boost, shortParts(boost)]))
  const isShort = [...parts.values()].every(({ length }) => length === 1)
  if (isShort) return [sparse(boosts)]
  return [...boosts].flatMap(([term, boost]) =>
    (parts.get(boost) ?? []).map((part) => sparse([[term, part]])),
  )
}

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

/** Bits of a double that make it have more than 15 significant ones: 6 of its high word and all of its low one. */
const LONG_BITS = 0x3f

/** Clauses a term may cost. */
export const PARTS_MAX = 4

/** Numbers of 15 significant bits at most whose sum is `boost`. */
export function shortParts(boost: number): readonly number[] {
  const parts: number[] = []
  for (let rest = boost; rest > 0 && parts.length < PARTS_MAX; ) {
    double[0] = rest
    words[0] = 0
    words[1] = (words[1] as number) & ~LONG_BITS
    const part = double[0]
    parts.push(part)
    rest -= part
  }
  return parts
}
