// One scored query over one version. Evidence is summed over the postings; items with evidence are offered to the best k;
// then the rest of the page is filled from the rankings' order, or from the few items that the rules leave.
import type { ScoredAnswer, ScoredQuery } from '#schemas/query'
import { type Accumulator, type ClauseTerms, resolveClause } from './accumulator.ts'
import { toHits } from './hits.ts'
import type { OpenVersion } from './index-version.ts'
import { createOldScoring } from './old-scoring.ts'
import { compileFilter, compileRules } from './query-filter.ts'
import { Top } from './top.ts'
import { createWeightedScoring } from './weighted-scoring.ts'

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
  const scoring =
    query.scoring === 'weighted'
      ? createWeightedScoring(open, query, rules)
      : createOldScoring(query.scoring, open, rules)
  const order = open.documents.order(query.rankings, scoring.ordersByShard)
  const top = new Top(wanted, order.compare)
  const offer = (item: number, sum: number): void => {
    if (!top.takes(item, scoring.bound(item, sum))) return
    const score = scoring.score(item, sum)
    if (top.takes(item, score) && filter.accepts(item)) top.add(item, score)
  }

  accumulator.begin(
    table.size,
    evidence.reduce((sum, { length }) => sum + length, 0),
  )
  try {
    scoring.accumulate(accumulator, evidence)
    accumulator.offer(() => scoring.lowestSum(top.floor), offer)
    const { sums } = accumulator
    const { narrowest } = filter
    if (top.floor > scoring.bestWithoutEvidence) {
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
        if (!top.takes(item, scoring.bound(item, 0))) return false
        offer(item, 0)
        return true
      })
    }
  } finally {
    accumulator.clear()
  }
  const page = top.sorted().slice(query.from)
  return { hits: toHits(page, { open, query, rules, evidence, scoring }), degraded: [] }
}

/** Items the rankings' order has to be walked through to find `wanted`, when `count` of `items` pass. */
function walkLength(wanted: number, count: number, items: number): number {
  return Math.min(items, (wanted * items) / Math.max(count, 1))
}
