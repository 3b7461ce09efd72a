// Says why an item stands where it stands: the history events (or correlated ids) that point to it, the rules that moved
// it, or that it is filled in by a ranking and why. Pure.
import type { HistoryEvent } from '#ports/event-store'
import type { UniversalParams } from '#schemas/engines/universal'
import type { Explanation, FieldRule, ScoredHit, ScoredQuery, UniversalQuery } from '#schemas/query'
import { JUST_NOW } from './history.ts'

export interface ExplainInput {
  readonly params: UniversalParams
  readonly query: UniversalQuery
  readonly scored: ScoredQuery
  readonly history: readonly HistoryEvent[]
  /** What the answer lacks, by name; a missing history explains a missing evidence. */
  readonly degraded: readonly string[]
}

/** The newest time of each (event, target), for all hits of one answer. */
export type EventTimes = ReadonlyMap<string, ReadonlyMap<string, number>>

export function eventTimes(history: readonly HistoryEvent[]): EventTimes {
  const times = new Map<string, Map<string, number>>()
  for (const { event, targetEntityId, eventTime } of history) {
    if (eventTime === JUST_NOW) continue
    let targets = times.get(event)
    if (targets === undefined) {
      targets = new Map()
      times.set(event, targets)
    }
    targets.set(targetEntityId, Math.max(eventTime, targets.get(targetEntityId) ?? eventTime))
  }
  return times
}

export function explainHit(input: ExplainInput, times: EventTimes, hit: ScoredHit): Explanation {
  const evidence = (hit.matches ?? []).map((match) => {
    const time = match.source === 'user' ? times.get(match.indicator)?.get(match.id) : undefined
    return time === undefined ? match : { ...match, eventTime: new Date(time).toISOString() }
  })
  const rules = rulesOf(input.scored, hit)
  const filtered = input.scored.evidence.some(({ must }) => must)
  if (evidence.length > 0 || filtered) return { reason: 'personal', evidence, rules }
  const backfill = backfillOf(input, hit)
  const reason = 'backfill'
  return backfill === null ? { reason, evidence, rules } : { reason, evidence, rules, backfill }
}

/** Filters that every returned item passed, and the preferences that this one matched. */
function rulesOf(scored: ScoredQuery, hit: ScoredHit): Explanation['rules'] {
  return scored.rules.flatMap((rule, i) => {
    if (rule.bias > 0 && !hit.rulesMatched?.includes(i)) return []
    const { field, values, bias } = rule
    return [{ field, values, bias, effect: effectOf(scored, rule) }]
  })
}

function effectOf({ scoring }: ScoredQuery, { bias }: FieldRule): string {
  if (bias < 0) return 'kept: it has one of the values, as it must'
  if (bias === 0) return 'kept: it has none of the values'
  if (scoring !== 'weighted') return `its score is raised by ${bias} · the idf of the values it has`
  if (bias === 1) return 'its score stays as it is'
  return `its score is multiplied by ${bias}`
}

/** The first of the query's rankings in which the item has a value. */
function backfillOf(
  input: ExplainInput,
  hit: ScoredHit,
): NonNullable<Explanation['backfill']> | null {
  const why = whyNoEvidence(input)
  for (const ranking of input.scored.rankings) {
    const value = hit.ranks?.[ranking]
    if (value === undefined) continue
    return {
      ranking,
      value,
      why: `${why} It stands here by its ${meaning(input.params, ranking)}.`,
    }
  }
  const [first] = input.scored.rankings
  if (first === undefined) return null
  return { ranking: first, value: 0, why: `${why} No ranking has it: it stands last, by its id.` }
}

function meaning({ rankings }: UniversalParams, name: string): string {
  const ranking = rankings.find((r) => r.name === name)
  if (ranking === undefined) return name
  const events = ranking.type === 'userDefined' ? '' : ` of ${ranking.eventNames.join(', ')}`
  return `${name} (${ranking.type}${events})`
}

function whyNoEvidence({ query, scored, history, degraded }: ExplainInput): string {
  if (degraded.includes('history')) return 'The history could not be read in time.'
  if (scored.evidence.length > 0) return 'Nothing in the evidence of this query points to it.'
  if (query.user === null && query.history.length > 0 && query.item === null) {
    return 'The history in the query is no evidence for this engine.'
  }
  if (query.user !== null && query.item === null && query.itemSet === null) {
    return history.length === 0
      ? `The user ${query.user} has no events that the engine uses.`
      : `The events of the user ${query.user} are no evidence in this query.`
  }
  if (query.item !== null) return `The item ${query.item} has no correlated items in the model.`
  return 'The query names no user, item or item set that evidence could come from.'
}
