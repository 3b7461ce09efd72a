// Hits as the answer has them: ids, rankings, and with `explain` what each clause added.
import type { ScoredHit, ScoredQuery } from '#schemas/query'
import type { ClauseTerms } from './accumulator.ts'
import type { OpenVersion } from './index-version.ts'
import { weightIn } from './postings.ts'
import { type CompiledRule, ruleMatches } from './query-filter.ts'
import type { Scoring } from './scoring.ts'
import type { TopEntry } from './top.ts'

type Match = NonNullable<ScoredHit['matches']>[number]

interface HitContext {
  readonly open: OpenVersion
  readonly query: ScoredQuery
  readonly rules: readonly CompiledRule[]
  readonly evidence: readonly ClauseTerms[]
  readonly scoring: Scoring
}

export function toHits(entries: readonly TopEntry[], context: HitContext): ScoredHit[] {
  const { open, query } = context
  return entries.map(({ item, score }) => ({
    item: open.table.ids[item] as string,
    score,
    ranks: query.withRanks || query.explain ? ranksOf(item, context) : null,
    matches: query.explain ? matchesOf(item, context) : null,
    rulesMatched: query.explain ? rulesMatched(item, context) : null,
  }))
}

function ranksOf(item: number, { open, query }: HitContext): Record<string, number> {
  const ranks: Record<string, number> = {}
  for (const name of query.rankings) {
    const value = open.rankings.get(name)?.values[item]
    if (value !== undefined && !Number.isNaN(value)) ranks[name] = value
  }
  return ranks
}

function matchesOf(item: number, { scoring, evidence }: HitContext): Match[] {
  const matches: Match[] = []
  for (const resolved of evidence) {
    const { clause, postings, terms } = resolved
    for (const term of terms) {
      if (weightIn(postings, term, item) === 0) continue
      matches.push({
        indicator: clause.indicator,
        id: postings.terms[term] as string,
        weight: scoring.termWeight(resolved, term, item),
        source: clause.source,
      })
    }
  }
  return matches.sort((a, b) => b.weight - a.weight)
}

function rulesMatched(item: number, { rules }: HitContext): number[] {
  return rules
    .filter((rule) => rule.rule.bias > 0 && ruleMatches(rule, item))
    .map(({ index }) => index)
}
