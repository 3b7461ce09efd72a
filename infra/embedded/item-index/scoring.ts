// What a scoring is to a search: how evidence is summed, how a sum becomes a score, and what is known of scores beforehand.
import type { Accumulator, ClauseTerms } from './accumulator.ts'

export interface Scoring {
  /** Sums the evidence, and whatever rules are evidence too. */
  accumulate(accumulator: Accumulator, evidence: readonly ClauseTerms[]): void
  score(item: number, sum: number): number
  /** Not less than the score; cheap. */
  bound(item: number, sum: number): number
  /** A sum of evidence below this cannot make a score of `floor`. */
  lowestSum(floor: number): number
  readonly bestWithoutEvidence: number
  /** Items of equal score and ranks stand in the order of their shards. */
  readonly ordersByShard: boolean
  /** What a term that an item has adds to its sum. */
  termWeight(resolved: ClauseTerms, term: number, item: number): number
}

/** Leaves room for the roundings to float32 between a sum and its score. */
export function slightlyBelow(floor: number): number {
  return floor - Math.abs(floor) * 1e-6
}
