// What a document scores in the item index of the tests, by each scoring, straight from the port's comments.
import { murmur3 } from '#schemas/hashes'
import type { EvidenceClause, ScoredHit, ScoredQuery, Scoring } from '#schemas/query'
import { type Document, type MemoryVersion, ruleMatches, textsOf } from './item-version.ts'

type Match = NonNullable<ScoredHit['matches']>[number]

interface Weighed {
  readonly score: number
  readonly matches: readonly Match[]
}

/** Inverse document frequency over all documents of a version (deleted ones too). */
function idf(withValue: number, withTerm: number): number {
  return Math.fround(Math.log(1 + (withValue - withTerm + 0.5) / (withTerm + 0.5)))
}

/** What the scorings of old know of a term in a field, where a document lies. */
interface Statistics {
  /** Documents with a value in the field, and with this one. */
  readonly withValue: number
  readonly withTerm: number
  /** Values of all these documents together. */
  readonly values: number
}

/** The shard of five that Elasticsearch 5 keeps an item in. */
export const shardOf = (item: string): number => (((murmur3(item) | 0) % 5) + 5) % 5

/** Under `es5` only documents of the same shard count. */
function statistics(
  field: readonly (readonly [item: string, texts: readonly string[]])[],
  text: string,
  { item }: Document,
  scoring: Scoring,
): Statistics {
  const counted = field
    .filter(([other]) => scoring !== 'es5' || shardOf(other) === shardOf(item))
    .map(([, texts]) => texts)
    .filter((texts) => texts.length > 0)
  return {
    withValue: counted.length,
    withTerm: counted.filter((texts) => texts.includes(text)).length,
    values: counted.reduce((sum, texts) => sum + texts.length, 0),
  }
}

function termWeight(scoring: Scoring, boost: number, known: Statistics): number {
  const { fround } = Math
  const frequency = idf(known.withValue, known.withTerm)
  if (scoring === 'global') return fround(frequency * boost)
  const factor = fround(2.2)
  if (scoring === 'es5') return fround(fround(fround(frequency * fround(boost)) * factor) / factor)
  const relative = fround(0.75 / fround(known.values / known.withValue))
  const inverse = fround(1 / fround(fround(1.2) * fround(0.25 + relative)))
  const weight = fround(fround(fround(boost) * factor) * frequency)
  return fround(weight - fround(weight / fround(1 + inverse)))
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

export function weightedScore(document: Document, query: ScoredQuery, prior: number): Weighed {
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

/** A clause: a field, the terms it asks for, and their boost. */
interface OldClause {
  readonly field: string
  readonly terms: readonly string[]
  readonly boost: number
}

export function oldScore(
  document: Document,
  query: ScoredQuery,
  documents: readonly Document[],
  open: MemoryVersion,
): Weighed {
  const { scoring } = query
  // Every item of the model counts in an indicator, deleted and forgotten ones too.
  const indicator = (name: string) =>
    open.model.items.map(
      (item) => [item, [...(open.listsOf(item).get(name)?.keys() ?? [])]] as const,
    )
  const property = (name: string) =>
    documents.map((other) => [other.item, textsOf(other, name)] as const)
  const weightOf = (name: string, term: string, boost: number): number =>
    termWeight(scoring, boost, statistics(indicator(name), term, document, scoring))
  const matches = matchesOf(document, query, (clause, id) =>
    weightOf(clause.indicator, id, clause.boost),
  ).flat()

  const scoreOf = (
    clauses: readonly OldClause[],
    textsIn: (field: string) => readonly string[],
    fieldOf: (name: string) => readonly (readonly [string, readonly string[]])[],
  ): number => {
    const weigh = ({ field, terms, boost }: OldClause): number => {
      let sum = 0
      for (const term of terms.filter((text) => textsIn(field).includes(text))) {
        sum += termWeight(scoring, boost, statistics(fieldOf(field), term, document, scoring))
      }
      return Math.fround(sum)
    }
    const all = scoring === 'es7' ? termByTerm(clauses) : clauses
    return all.reduce((sum, clause) => sum + weigh(clause), 0)
  }
  const evidence = query.evidence
    .filter(({ must }) => !must)
    .map(({ indicator: field, ids, boost }) => ({ field, terms: ids, boost }))
  const boosts = query.rules
    .filter(({ bias }) => bias > 0)
    .map(({ field, values, bias }) => ({ field, terms: [...new Set(values)], boost: bias }))
  const idsIn = (name: string): readonly string[] => [...(document.lists.get(name)?.keys() ?? [])]
  const score =
    scoreOf(evidence, idsIn, indicator) +
    scoreOf(boosts, (name) => textsOf(document, name), property)
  return { score: Math.fround(score), matches }
}

/** Each term a clause of its own; the same one of several clauses is one, its boosts added. */
function termByTerm(clauses: readonly OldClause[]): readonly OldClause[] {
  const boosts = new Map<string, OldClause>()
  for (const { field, terms, boost } of clauses) {
    for (const term of terms) {
      const key = JSON.stringify([field, term])
      const before = boosts.get(key)?.boost ?? 0
      boosts.set(key, { field, terms: [term], boost: before + boost })
    }
  }
  return [...boosts.values()]
}
