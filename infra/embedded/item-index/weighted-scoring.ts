// The scoring of our own: the model's weights, the prior of the first ranking, positive rules that multiply.
import type { ScoredQuery } from '#schemas/query'
import type { OpenVersion } from './index-version.ts'
import { weightIn } from './postings.ts'
import { type CompiledRule, ruleMatches } from './query-filter.ts'
import { type Scoring, slightlyBelow } from './scoring.ts'

const NO_PRIOR = new Float32Array(0)

export function createWeightedScoring(
  open: OpenVersion,
  query: ScoredQuery,
  rules: readonly CompiledRule[],
): Scoring {
  const [first] = query.rankings
  const ranking = first === undefined ? undefined : open.rankings.get(first)
  const prior = ranking?.prior ?? NO_PRIOR
  const priorMax = ranking?.priorMax ?? 0
  const boosts = rules.filter(({ rule }) => rule.bias > 0)
  const boostMax = boosts.reduce((product, { rule }) => product * Math.max(1, rule.bias), 1)
  const whole = (item: number, sum: number): number =>
    Math.fround(sum + (item < prior.length ? (prior[item] as number) : 0))
  const boosted = (item: number, sum: number): number => {
    let product = 1
    for (const boost of boosts) if (ruleMatches(boost, item)) product *= boost.rule.bias
    return Math.fround(whole(item, sum) * product)
  }
  return {
    accumulate: (accumulator, evidence) => {
      for (const terms of evidence) accumulator.addWeighted(terms)
    },
    score: boosts.length === 0 ? whole : boosted,
    bound: boosts.length === 0 ? whole : (item, sum) => Math.fround(whole(item, sum) * boostMax),
    lowestSum: (floor) => slightlyBelow(floor / boostMax) - priorMax,
    bestWithoutEvidence: Math.fround(priorMax * boostMax),
    ordersByShard: false,
    termWeight: ({ clause, postings }, term, item) => clause.boost * weightIn(postings, term, item),
  }
}
