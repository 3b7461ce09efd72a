// The table `ranked` (t, candidate, v0 …): what the computed rankings say of targets, as `ranked-targets.ts` and
// `algorithms/ranking-counter.ts` have it. A value that is missing is null; that of a random ranking says only that there is one.
import type { Ranking, UniversalParams } from '#schemas/engines/universal'
import { ranksForeignTargets } from '#schemas/engines/universal-quirks'
import type { Steps } from './spark-steps.ts'
import { double, isOneOf } from './spark-text.ts'
import { computedRankings, entitiesQuery } from './spark-uses.ts'

export async function makeRanked(
  steps: Steps,
  params: UniversalParams,
  asOf: number,
): Promise<void> {
  const anyTarget = ranksForeignTargets(params)
  const entities = entitiesQuery(params)
  const facts = `
    select t, event, isItem, time, false entity from uses join targets using (target)
    ${entities === null ? '' : `union all select t, null, true, 0L, true from (${entities}) join targets using (target)`}`
  const primary = `entity or (isItem and ${isOneOf('event', params.indicators[0].events)})`
  const rankings = computedRankings(params)
  const values = rankings.map((ranking, n) => `${measureOf(ranking, asOf, anyTarget)} v${n}`)
  const known = rankings.map((_, n) => `v${n} is not null`).join(' or ')
  await steps.table(
    'ranked',
    `select * from (
       select t, max(${anyTarget ? 'true' : primary}) candidate ${values.map((value) => `, ${value}`).join('')}
       from (${facts}) group by t)
     where ${known || 'false'}`,
  )
}

function measureOf(ranking: Ranking, asOf: number, anyTarget: boolean): string {
  const end = ranking.offsetDate ?? asOf
  const start = end - ranking.duration
  const within = `time >= ${double(start)} and time < ${double(end)}`
  if (ranking.type === 'random') {
    // Of old of all events.
    const named = anyTarget ? 'true' : isOneOf('event', ranking.eventNames)
    return `if(count_if(entity or (${named} and ${within})) > 0, 1d, null)`
  }
  const counting = `not entity and ${isOneOf('event', ranking.eventNames)} and ${within}`
  if (ranking.type === 'popular') {
    return `nullif(cast(count_if(${counting}) as double), 0d)`
  }
  const parts = ranking.type === 'trending' ? 2 : 3
  const part = Math.floor((end - start) / parts)
  const place = `least(${parts - 1}L, floor((time - ${double(start)}) / ${double(part)}))`
  const counts = Array.from(
    { length: parts },
    (_, n) => `count_if(${counting} and ${place} = ${n})`,
  )
  const all = counts.map((count) => `${count} > 0`).join(' and ')
  const [first, second, third] = counts
  const value =
    parts === 2 ? `${second} - ${first}` : `${third} - ${second} - (${second} - ${first})`
  return `if(${all}, cast(${value} as double), null)`
}
