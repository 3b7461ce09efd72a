// One scored query over one version. Evidence is summed over the postings; items with evidence are offered to the best k;
// then the rest of the page is filled from the rankings' order, or from the few items that the rules leave.
import type { ScoredAnswer, ScoredQuery } from '#schemas/query'
import { type Accumulator, type ClauseTerms, idf, resolveClause } from './accumulator.ts'
import { toHits } from './hits.ts'
import type { OpenVersion } from './index-version.ts'
import { type CompiledRule, compileFilter, compileRules, ruleMatches } from './query-filter.ts'
import { Top } from './top.ts'

const NO_PRIOR = new Float32Array(0)

export function searchVersion(
  open: OpenVersion,
  query: ScoredQuery,
  accumulator: Accumulator,
): ScoredAnswer {
  const { table } = open
  const wanted = Math.min(query.from + query.num, table.size)
  if (query.num <= 0 || wanted <= query.from) return { hits: [], degraded: [] }
  const rules = compileRules(query.rules, table)
  const resolved = query.evidence.map((clause) => resolveClause(clause, open.postings, table))
  const must = resolved.filter((_, i) => query.evidence[i]?.must)
  const evidence = resolved.filter((terms): terms is ClauseTerms => terms?.clause.must === false)
  const filter = compileFilter({ query, table, rules, must, live: open.documents.live })
  const order = open.documents.order(query.rankings)
  const top = new Top(wanted, order.compare)
  const scorer = query.scoring === 'weighted' ? weightedScorer(open, query, rules) : GLOBAL
  const offer = (item: number, sum: number): void => {
    if (!top.takes(item, scorer.bound(item, sum))) return
    const score = scorer.score(item, sum)
    if (top.takes(item, score) && filter.accepts(item)) top.add(item, score)
  }

  accumulator.begin(
    table.size,
    evidence.reduce((sum, { length }) => sum + length, 0),
  )
  try {
    if (query.scoring === 'weighted') for (const terms of evidence) accumulator.addWeighted(terms)
    else addGlobal(accumulator, evidence, rules)
    accumulator.offer(() => scorer.lowestSum(top.floor), offer)
    const { sums } = accumulator
    const { narrowest } = filter
    if (top.floor > scorer.bestWithoutEvidence) {
      // Nothing without evidence can be among the best.
    } else if (
      narrowest !== null &&
      narrowest.cost < walkLength(wanted, narrowest.count, table.size)
    ) {
      narrowest.forEach((item) => {
        if (sums[item] === 0) offer(item, 0)
      })
    } else {
      order.walk((item) => {
        if (sums[item] !== 0) return true
        // Later items have no higher bound, and stand behind this one when scores are equal.
        if (!top.takes(item, scorer.bound(item, 0))) return false
        offer(item, 0)
        return true
      })
    }
  } finally {
    accumulator.clear()
  }
  const page = top.sorted().slice(query.from)
  return { hits: toHits(page, { open, query, rules, evidence }), degraded: [] }
}

/** Items the rankings' order has to be walked through to find `wanted`, when `count` of `items` pass. */
function walkLength(wanted: number, count: number, items: number): number {
  return Math.min(items, (wanted * items) / Math.max(count, 1))
}

interface Scorer {
  score(item: number, sum: number): number
  /** Not less than the score; cheap. */
  bound(item: number, sum: number): number
  /** A sum of evidence below this cannot make a score of `floor`. */
  lowestSum(floor: number): number
  readonly bestWithoutEvidence: number
}

const GLOBAL: Scorer = {
  score: (_item, sum) => Math.fround(sum),
  bound: (_item, sum) => Math.fround(sum),
  lowestSum: (floor) => slightlyBelow(floor),
  bestWithoutEvidence: 0,
}

function weightedScorer(
  open: OpenVersion,
  query: ScoredQuery,
  rules: readonly CompiledRule[],
): Scorer {
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
    score: boosts.length === 0 ? whole : boosted,
    bound: boosts.length === 0 ? whole : (item, sum) => Math.fround(whole(item, sum) * boostMax),
    lowestSum: (floor) => slightlyBelow(floor / boostMax) - priorMax,
    bestWithoutEvidence: Math.fround(priorMax * boostMax),
  }
}

/** Leaves room for the roundings to float32 between a sum and its score. */
function slightlyBelow(floor: number): number {
  return floor - Math.abs(floor) * 1e-6
}

/** Evidence and positive rules are clauses alike in `global` scoring. */
function addGlobal(
  accumulator: Accumulator,
  evidence: readonly ClauseTerms[],
  rules: readonly CompiledRule[],
): void {
  for (const terms of evidence) accumulator.addGlobal(terms)
  for (const { rule, column } of rules) {
    if (rule.bias <= 0 || column === undefined) continue
    accumulator.addClause((add) => {
      for (const value of new Set(rule.values)) {
        const weight = idf(column.size, column.itemsWith(value)) * rule.bias
        column.forEachItem(column.match([value]), (item) => add(item, Math.fround(weight)))
      }
    })
  }
}
