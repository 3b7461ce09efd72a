// The scorings of old, to the bit: each term a clause of constant score, which is its weight as the stack of then computed it
// (schemas/old-weights.ts). Under `es5` a term weighs differently in each of five shards, so it is a clause a shard.
import { es5Weight, es7Weight, globalWeight, idf, OLD_SHARDS } from '#schemas/old-weights'
import type { EvidenceClause, ScoredQuery } from '#schemas/query'
import { type Clause, type Filters, sparse } from './filter.ts'
import {
  evidenceTerm,
  indicatorField,
  LENGTH_BITS,
  lengthTerm,
  propertyField,
  valueTerm,
} from './keys.ts'
import type { Count, Counts } from './statistics.ts'

/** A term of a field: a correlated id of an indicator, or a text of a property. */
interface Term {
  /** As a count. */
  readonly key: string
  readonly clause: Clause
  readonly field: Field
}

interface Field {
  /** As counts: documents with a value, and with each bit of the number of their values. */
  readonly key: string
  /** Keyword field that holds its terms. */
  readonly member: 'lists' | 'fields'
}

/** Terms that stand in one clause of the query of then, with their boost. */
interface OldClause {
  readonly terms: readonly Term[]
  readonly boost: number
}

export interface OldQuery {
  /** What has to be counted first. */
  readonly counts: readonly Count[]
  build(counts: Counts, filters: Filters): Clause
  /** What a matching id of a clause adds, in a document of this shard of old. */
  weightOf(counts: Counts, clause: EvidenceClause, id: string, shard: number): number
}

/** Shards in which a term weighs differently. */
export const shardsOf = ({ scoring }: ScoredQuery): number => (scoring === 'es5' ? OLD_SHARDS : 1)

export function oldQuery(query: ScoredQuery, indicators: readonly string[]): OldQuery {
  const evidence = query.evidence
    .filter(({ indicator, must }) => !must && indicators.includes(indicator))
    .map(({ boost, ids, indicator }): OldClause => {
      const place = indicators.indexOf(indicator)
      return { boost, terms: ids.map((id) => evidenceOf(place, id)) }
    })
  const rules = query.rules
    .filter(({ bias }) => bias > 0)
    .map(({ bias, field, values }): OldClause => {
      return { boost: bias, terms: [...new Set(values)].map((text) => textOf(field, text)) }
    })
  const clauses =
    query.scoring === 'es7'
      ? [...termByTerm(evidence), ...termByTerm(rules)]
      : [...evidence, ...rules]
  return {
    counts: countsOf(clauses, query.scoring === 'es7'),
    build: (counts, filters) => {
      const should = clauses
        .filter(({ terms }) => terms.length > 0)
        .map((clause) => scored(clause, query, counts))
      return { bool: { ...filters, should } }
    },
    weightOf: (counts, { boost, indicator }, id, shard) => {
      const term = evidenceOf(indicators.indexOf(indicator), id)
      return weight(query, counts, term, boost, shardsOf(query) === 1 ? 0 : shard)
    },
  }
}

function evidenceOf(place: number, id: string): Term {
  const term = evidenceTerm(place, id)
  return {
    key: `evidence ${term}`,
    clause: sparse([[term, 1]]),
    field: { key: indicatorField(place), member: 'lists' },
  }
}

function textOf(property: string, text: string): Term {
  const term = valueTerm(property, text)
  return {
    key: `text ${term}`,
    clause: { term: { text: term } },
    field: { key: propertyField(property), member: 'fields' },
  }
}

/** Each term a clause of its own; the same one of several clauses is one, its boosts added. */
function termByTerm(clauses: readonly OldClause[]): OldClause[] {
  const boosts = new Map<string, { term: Term; boost: number }>()
  for (const { terms, boost } of clauses) {
    for (const term of terms) {
      boosts.set(term.key, { term, boost: (boosts.get(term.key)?.boost ?? 0) + boost })
    }
  }
  return [...boosts.values()].map(({ term, boost }) => ({ terms: [term], boost }))
}

function countsOf(clauses: readonly OldClause[], withLengths: boolean): readonly Count[] {
  const counts = new Map<string, Count>()
  const add = (key: string, clause: Clause, member: Field['member']): void => {
    counts.set(key, { key, clause, live: member === 'fields' })
  }
  for (const { clause, field, key } of clauses.flatMap(({ terms }) => terms)) {
    const { key: name, member } = field
    add(key, clause, member)
    add(name, { term: { [member]: name } }, member)
    for (let bit = 0; withLengths && bit < LENGTH_BITS; bit++) {
      const length = lengthTerm(name, bit)
      add(length, { term: { [member]: length } }, member)
    }
  }
  return [...counts.values()]
}

/** Adds up the clause's terms and rounds the sum, apart from the other clauses. */
function scored({ terms, boost }: OldClause, query: ScoredQuery, counts: Counts): Clause {
  const shards = shardsOf(query)
  const should = terms.flatMap((term) =>
    Array.from({ length: shards }, (_, shard) => ({
      constant_score: {
        filter: shards === 1 ? term.clause : inShard(term.clause, shard),
        boost: weight(query, counts, term, boost, shard),
      },
    })),
  )
  if (should.length === 1) return should[0] as Clause
  // As a boolean query alone it would be flattened into the one around it, and not be rounded.
  return { function_score: { query: { bool: { should } }, functions: [{ weight: 1 }] } }
}

function inShard(clause: Clause, shard: number): Clause {
  return { bool: { filter: [clause, { term: { shard } }] } }
}

function weight(
  { scoring }: ScoredQuery,
  counts: Counts,
  { field, key }: Term,
  boost: number,
  shard: number,
): number {
  const numberOf = (name: string): number => counts.get(name)?.[shard] ?? 0
  const withValue = numberOf(field.key)
  const frequency = idf(withValue, numberOf(key))
  if (scoring === 'es5') return es5Weight(frequency, boost)
  if (scoring === 'global') return globalWeight(frequency, boost)
  let values = 0
  for (let bit = 0; bit < LENGTH_BITS; bit++)
    values += 2 ** bit * numberOf(lengthTerm(field.key, bit))
  // Where nothing has the field nothing matches, and any length will do.
  return es7Weight(frequency, boost, withValue === 0 ? 1 : values / withValue)
}
