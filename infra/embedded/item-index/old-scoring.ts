// The scorings of old: inverse document frequencies, and positive rules that add theirs, to the bit as the stacks had them.
//
//            statistics over   a term adds                                              summed
//   global   all items         idf · boost                                              a clause, then all clauses
//   es5      a shard's items   the same, through BM25's factor of 2.2 and back          a clause, then all clauses
//   es7      all items         BM25 of a field of real average and assumed length 1     a term; the same term of several
//                                                                                       clauses is one, boosts added
//
// Every value and every sum is rounded to float32 where the arrow of the table ends; sums are made in double.
import { es5Weight, es7Weight, globalWeight, idf, OLD_SHARDS } from '#schemas/old-weights'
import type { Scoring as ScoringName } from '#schemas/query'
import type { Accumulator, ClauseTerms } from './accumulator.ts'
import type { OpenVersion } from './index-version.ts'
import type { Postings } from './postings.ts'
import type { PropertyColumn } from './property-column.ts'
import type { CompiledRule } from './query-filter.ts'
import { type Scoring, slightlyBelow } from './scoring.ts'
import type { Shards } from './shards.ts'

type OldName = Exclude<ScoringName, 'weighted'>
type Profile = Pick<Scoring, 'accumulate' | 'ordersByShard' | 'termWeight'>

const { fround } = Math

export function createOldScoring(
  name: OldName,
  open: OpenVersion,
  rules: readonly CompiledRule[],
): Scoring {
  const boosts = rules.filter(({ rule, column }) => rule.bias > 0 && column !== undefined)
  const score = (_item: number, sum: number): number => fround(sum)
  return {
    ...PROFILES[name](open, boosts),
    score,
    bound: score,
    lowestSum: slightlyBelow,
    bestWithoutEvidence: 0,
  }
}

const PROFILES: Readonly<
  Record<OldName, (open: OpenVersion, boosts: readonly CompiledRule[]) => Profile>
> = { global: globalProfile, es5: es5Profile, es7: es7Profile }

function itemsWithTerm({ start }: Postings, term: number): number {
  return (start[term + 1] as number) - (start[term] as number)
}

type Add = (item: number, value: number) => void

function addToTerm({ start, item }: Postings, term: number, value: number, add: Add): void {
  const end = start[term + 1] as number
  for (let i = start[term] as number; i < end; i++) add(item[i] as number, value)
}

// ---------------------------------------------------------------------------------------------------------------
// global

function globalProfile(_open: OpenVersion, boosts: readonly CompiledRule[]): Profile {
  const termWeight = ({ clause, postings }: ClauseTerms, term: number): number =>
    globalWeight(idf(postings.itemsWithValue, itemsWithTerm(postings, term)), clause.boost)
  const addTerm = (resolved: ClauseTerms, term: number, add: Add): void =>
    addToTerm(resolved.postings, term, termWeight(resolved, term), add)
  const addValue = (column: PropertyColumn, text: string, bias: number, add: Add): void => {
    const value = globalWeight(idf(column.size, column.itemsWith(text)), bias)
    column.forEachItem(column.match([text]), (item) => add(item, value))
  }
  const accumulate = clauseByClause(boosts, addTerm, addValue)
  return { accumulate, ordersByShard: false, termWeight }
}

/** A clause's terms are summed and the sum rounded, before it is added. */
function clauseByClause(
  boosts: readonly CompiledRule[],
  addTerm: (resolved: ClauseTerms, term: number, add: Add) => void,
  addValue: (column: PropertyColumn, text: string, bias: number, add: Add) => void,
): Scoring['accumulate'] {
  return (accumulator, evidence) => {
    for (const resolved of evidence) {
      accumulator.addClause((add) => {
        for (const term of resolved.terms) addTerm(resolved, term, add)
      })
    }
    for (const { rule, column } of boosts) {
      if (column === undefined) continue
      accumulator.addClause((add) => {
        for (const text of new Set(rule.values)) addValue(column, text, rule.bias, add)
      })
    }
  }
}

// ---------------------------------------------------------------------------------------------------------------
// es5

function es5Profile({ shards }: OpenVersion, boosts: readonly CompiledRule[]): Profile {
  const addTerm = ({ clause, postings }: ClauseTerms, term: number, add: Add): void => {
    const withTerm = shards.withTerm(postings, term)
    const values = es5Values(shards.withPostings(postings), withTerm, clause.boost)
    const { start, item } = postings
    const { numbers } = shards
    const end = start[term + 1] as number
    for (let i = start[term] as number; i < end; i++) {
      const number = item[i] as number
      add(number, values[numbers[number] as number] as number)
    }
  }
  const addValue = (column: PropertyColumn, text: string, bias: number, add: Add): void => {
    const withText = shards.withValue(column, text)
    const values = es5Values(shards.withProperty(column), withText, bias)
    const { numbers } = shards
    column.forEachItem(column.match([text]), (item) => {
      add(item, values[numbers[item] as number] as number)
    })
  }
  return {
    accumulate: clauseByClause(boosts, addTerm, addValue),
    ordersByShard: true,
    termWeight: ({ clause, postings }, term, item) =>
      termWeightInShard(shards, postings, term, clause.boost, shards.numbers[item] as number),
  }
}

/** What a term adds, by shard. */
function es5Values(withValue: Float64Array, withTerm: Float64Array, boost: number): Float64Array {
  const values = new Float64Array(OLD_SHARDS)
  for (let shard = 0; shard < OLD_SHARDS; shard++) {
    const frequency = idf(withValue[shard] as number, withTerm[shard] as number)
    values[shard] = es5Weight(frequency, boost)
  }
  return values
}

function termWeightInShard(
  shards: Shards,
  postings: Postings,
  term: number,
  boost: number,
  shard: number,
): number {
  const values = es5Values(shards.withPostings(postings), shards.withTerm(postings, term), boost)
  return values[shard] as number
}

// ---------------------------------------------------------------------------------------------------------------
// es7

function es7Profile(_open: OpenVersion, boosts: readonly CompiledRule[]): Profile {
  const weightOf = (postings: Postings, term: number, boost: number): number => {
    const { itemsWithValue, item } = postings
    const frequency = idf(itemsWithValue, itemsWithTerm(postings, term))
    return es7Weight(frequency, boost, item.length / itemsWithValue)
  }
  const addEvidence = (accumulator: Accumulator, evidence: readonly ClauseTerms[]): void => {
    const terms = new Map<Postings, Map<number, number>>()
    for (const { clause, postings, terms: own } of evidence) {
      for (const term of own) sumUp(terms, postings, term, clause.boost)
    }
    for (const [postings, boostOf] of terms) {
      for (const [term, boost] of boostOf) {
        const value = weightOf(postings, term, boost)
        accumulator.addClause((add) => addToTerm(postings, term, value, add))
      }
    }
  }
  const addRules = (accumulator: Accumulator): void => {
    const values = new Map<PropertyColumn, Map<string, number>>()
    for (const { rule, column } of boosts) {
      if (column === undefined) continue
      for (const text of new Set(rule.values)) sumUp(values, column, text, rule.bias)
    }
    for (const [column, boostOf] of values) {
      for (const [text, boost] of boostOf) {
        const frequency = idf(column.size, column.itemsWith(text))
        const value = es7Weight(frequency, boost, column.values / column.size)
        accumulator.addClause((add) => {
          column.forEachItem(column.match([text]), (item) => add(item, value))
        })
      }
    }
  }
  return {
    accumulate: (accumulator, evidence) => {
      addEvidence(accumulator, evidence)
      addRules(accumulator)
    },
    ordersByShard: false,
    termWeight: ({ clause, postings }, term) => weightOf(postings, term, clause.boost),
  }
}

function sumUp<Field, Term>(
  boosts: Map<Field, Map<Term, number>>,
  field: Field,
  term: Term,
  boost: number,
): void {
  let ofField = boosts.get(field)
  if (ofField === undefined) {
    ofField = new Map()
    boosts.set(field, ofField)
  }
  ofField.set(term, (ofField.get(term) ?? 0) + boost)
}
