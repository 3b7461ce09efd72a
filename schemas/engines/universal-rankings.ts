// `rankings` of the universal engine: what orders items when nothing personal is known.
import { parseQueryTime } from '../event-time.ts'
import type { Json } from '../json.ts'
import { RANKING_TYPES, type RankingType } from '../model.ts'
import { parseDuration } from './duration.ts'
import { Parameters } from './parameters.ts'
import type { Ranking } from './universal.ts'

const NAMES = ['name', 'type', 'eventNames', 'duration', 'offsetDate', 'endDate'] as const
const FOREIGN = { indicatorNames: 'Write "eventNames" instead.' }
const RANKINGS_MAX = 8

const FIELD_OF: Readonly<Record<RankingType, string>> = {
  popular: 'popRank',
  trending: 'trendRank',
  hot: 'hotRank',
  random: 'uniqueRank',
  userDefined: 'userRank',
}

const DEFAULT_DURATION = 3650 * 86_400_000

/**
 * The rankings in the order of the file; without any, popularity of the primary event over ten years. `backfillField` is
 * what versions up to 0.3 had instead.
 */
export function parseRankings(ur: Parameters, primary: string, file: string): readonly Ranking[] {
  if (ur.has('backfillField')) return [backfillField(ur, primary, file)]
  const list = ur.list('rankings') ?? []
  if (list.length > RANKINGS_MAX) {
    const reason = `there are ${list.length} rankings; at most ${RANKINGS_MAX} are allowed`
    ur.refuse('rankings', reason, 'Remove some.')
  }
  const rankings = list.map((value, i) => {
    const one = new Parameters(file, ur.pathOf('rankings', i), value, {
      names: NAMES,
      foreign: FOREIGN,
    })
    return rankingOf(one, primary)
  })
  for (const [i, { name }] of rankings.entries()) {
    if (rankings.findIndex((ranking) => ranking.name === name) < i) {
      ur.refuse(`rankings[${i}].name`, `"${name}" is here twice`, 'Give each its own name.')
    }
  }
  return rankings.length === 0 ? [defaultRanking(primary)] : rankings
}

function backfillField(ur: Parameters, primary: string, file: string): Ranking {
  if (ur.has('rankings')) {
    const mend = 'Remove it: version 0.3 called rankings so.'
    ur.refuse('backfillField', 'there are "rankings" already', mend)
  }
  const names = ['name', 'backfillType', 'eventNames', 'duration', 'offsetDate', 'endDate']
  const field = ur.value('backfillField')
  const foreign = { type: 'Write "backfillType" instead.' }
  const one = new Parameters(file, ur.pathOf('backfillField'), field, { names, foreign })
  const type = one.oneOf('backfillType', RANKING_TYPES) ?? 'popular'
  const value = one.value('duration')
  // It was a number of seconds.
  const duration = typeof value === 'number' ? `${value} seconds` : value
  return rankingFrom(one, type, durationOf(one, duration), primary)
}

function defaultRanking(primary: string): Ranking {
  return {
    name: FIELD_OF.popular,
    type: 'popular',
    eventNames: [primary],
    duration: DEFAULT_DURATION,
    offsetDate: null,
  }
}

function rankingOf(one: Parameters, primary: string): Ranking {
  const type = one.oneOf('type', RANKING_TYPES) ?? 'popular'
  return rankingFrom(one, type, durationOf(one, one.value('duration')), primary)
}

function rankingFrom(
  one: Parameters,
  type: RankingType,
  duration: number,
  primary: string,
): Ranking {
  const names = one.strings('eventNames')
  if (names !== null && names.length === 0) {
    one.refuse('eventNames', 'there is no event name', `Write "eventNames": ["${primary}"]`)
  }
  // The end of the window was read but never used: `offsetDate` sets it. Old files may still have it.
  one.string('endDate')
  return {
    name: one.string('name') ?? FIELD_OF[type],
    type,
    eventNames: names ?? [primary],
    duration,
    offsetDate: dateOf(one),
  }
}

export function durationOf(one: Parameters, value: Json | undefined): number {
  if (value === undefined) return DEFAULT_DURATION
  const duration = typeof value === 'string' ? parseDuration(value) : null
  if (duration === null) {
    const reason = `${JSON.stringify(value)} is no duration`
    one.refuse(
      'duration',
      reason,
      'Write a number and a unit: "30 days", "12 hours", "90 minutes".',
    )
  }
  return duration
}

function dateOf(one: Parameters): number | null {
  const text = one.string('offsetDate')
  if (text === null) return null
  const found = parseQueryTime(text)
  if (found.ok) return found.time
  const mend = 'Write an ISO 8601 time: "2025-01-31T00:00:00.000Z".'
  one.refuse('offsetDate', `"${text}" is no time`, mend)
}
