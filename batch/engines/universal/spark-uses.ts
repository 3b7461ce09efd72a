// What the effective events are used for: the same choice as `training-data.ts` makes.
//
//   uses      events that count for an indicator or a ranking, with a target
//   users     those with enough events of the primary indicator, numbered
//   targets   ids in their order, numbered
import type { Ranking, UniversalParams } from '#schemas/engines/universal'
import { ITEM_TYPE, USER_TYPE } from '#schemas/engines/universal'
import { ranksForeignTargets } from '#schemas/engines/universal-quirks'
import type { Found } from './remarks.ts'
import type { Steps } from './spark-steps.ts'
import { double, idOrder, isOneOf, text } from './spark-text.ts'
import { OTHER_NAMES_MAX } from './training-data.ts'

export interface Uses extends Found {
  /** Effective events, of any name. */
  readonly events: number
  /** Users that count. */
  readonly users: number
  readonly targets: number
}

/** Events of users on items, of one indicator or of all. */
export const ofUsers = (names: readonly string[]): string =>
  `isItem and entityType = ${text(USER_TYPE)} and ${isOneOf('event', names)}`

/** The rankings that are computed: `userDefined` ones are live properties. */
export const computedRankings = (params: UniversalParams): Ranking[] =>
  params.rankings.filter(({ type }) => type !== 'userDefined')

/** Items with properties, where a ranking needs them. */
export function entitiesQuery(params: UniversalParams): string | null {
  const primary = params.indicators[0].events
  const ranked = params.rankings.flatMap(({ eventNames }) => eventNames)
  const wanted =
    params.rankings.some(({ type }) => type === 'random') ||
    (!ranksForeignTargets(params) && ranked.some((name) => !primary.includes(name)))
  if (!wanted) return null
  return `select distinct entityId target from events where event = '$set' and entityType = ${text(ITEM_TYPE)}`
}

export async function makeUses(steps: Steps, params: UniversalParams, asOf: number): Promise<Uses> {
  await steps.view('uses', usesQuery(params, asOf))
  const [primary] = params.indicators
  const minimum = Math.max(1, params.minEventsPerUser)
  await steps.table(
    'users',
    `select user, monotonically_increasing_id() u from (
       select entityId user from uses where ${ofUsers(primary.events)}
       group by entityId having count(*) >= ${minimum})`,
  )
  const entities = entitiesQuery(params)
  const ids = `select target from uses ${entities === null ? '' : `union ${entities}`}`
  await steps.table(
    'targets',
    `select target, cast(row_number() over (order by ${idOrder('target')}) - 1 as int) t
     from (select distinct target from (${ids}))`,
  )
  const counted = params.indicators.map(({ events }, i) => `count_if(${ofUsers(events)}) c${i}`)
  const [counts] = await steps.rows(`select ${counted.join(', ')} from uses`)
  const [sizes] = await steps.rows(
    'select (select count(*) from users) users, (select count(*) from targets) targets',
  )
  const names = await steps.rows('select event, count(*) n from events group by event')
  const indicated = new Set(params.indicators.flatMap(({ events }) => events))
  return {
    events: names.reduce((sum, { n }) => sum + (n as number), 0),
    users: sizes?.users as number,
    targets: sizes?.targets as number,
    pairCounts: params.indicators.map((_, i) => counts?.[`c${i}`] as number),
    otherNames: names
      .map(({ event }) => event as string)
      .filter((name) => !indicated.has(name) && !name.startsWith('$'))
      .sort()
      .slice(0, OTHER_NAMES_MAX),
    rankings: computedRankings(params),
  }
}

function usesQuery(params: UniversalParams, asOf: number): string {
  const { duration, removeDuplicates } = params.eventWindow
  const anyTarget = ranksForeignTargets(params)
  const names = new Set([
    ...params.indicators.flatMap(({ events }) => events),
    ...params.rankings.flatMap(({ eventNames }) => eventNames),
  ])
  const isItem = `coalesce(targetEntityType = ${text(ITEM_TYPE)}, false)`
  const conditions = ['targetEntityId is not null']
  // Of old a random ranking had the targets of all events.
  const all = anyTarget && params.rankings.some(({ type }) => type === 'random')
  if (!all) conditions.push(isOneOf('event', [...names]))
  // Of old targets of any type were ranked.
  if (!anyTarget) conditions.push(isItem)
  if (duration !== null) conditions.push(`time >= ${double(asOf - duration)}`)
  const columns = `event, entityType, entityId, targetEntityId target, ${isItem} isItem`
  const where = `from events where ${conditions.join(' and ')}`
  if (!removeDuplicates) return `select ${columns}, time ${where}`
  return `select event, entityType, entityId, target, isItem, max(time) time from (select ${columns}, time ${where})
    group by event, entityType, entityId, target, isItem`
}
