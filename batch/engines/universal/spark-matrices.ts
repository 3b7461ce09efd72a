// One table (u, t) an indicator: the distinct targets of each user that counts, as `matrices.ts` has them.
import type { Indicator, UniversalParams } from '#schemas/engines/universal'
import { samplesAsOfOld } from '#schemas/engines/universal-quirks'
import type { Steps } from './spark-steps.ts'
import { double, fnv1a32, text } from './spark-text.ts'
import { ofUsers } from './spark-uses.ts'

export const matrixOf = (indicator: number): string => `matrix_${indicator}`

/** @returns the cells of each */
export async function makeMatrices(
  steps: Steps,
  params: UniversalParams,
): Promise<readonly number[]> {
  const ofOld = samplesAsOfOld(params)
  for (const [i, indicator] of params.indicators.entries()) {
    if (!ofOld) {
      await steps.table(matrixOf(i), newestCells(indicator))
      continue
    }
    await steps.table(`whole_${i}`, `select u, t from (${distinctCells(indicator)})`)
    await steps.table(matrixOf(i), sampledCells(`whole_${i}`, indicator, params.seed))
  }
  const counts = params.indicators.map((_, i) => `(select count(*) from ${matrixOf(i)}) c${i}`)
  const [cells] = await steps.rows(`select ${counts.join(', ')}`)
  return params.indicators.map((_, i) => cells?.[`c${i}`] as number)
}

/** Repeats are one cell, at their newest time. One exchange by user serves the grouping and what comes after it. */
const distinctCells = ({ events }: Indicator): string => `
  select u, t, max(time) time from (
    select /*+ repartition(u) */ users.u, targets.t, time from uses
      join users on users.user = uses.entityId join targets using (target)
    where ${ofUsers(events)})
  group by u, t`

/** Of a user with too many the newest stay, equal times by id. */
const newestCells = (indicator: Indicator): string => `
  select u, t from (
    select u, t, row_number() over (partition by u order by time desc, t) n from (${distinctCells(indicator)}))
  where n <= ${indicator.maxItemsPerUser}`

/** As `sample.ts`: users with too many are emptied, crowded targets keep each cell by a hash of the two ids. */
function sampledCells(whole: string, { maxItemsPerUser: limit }: Indicator, seed: number): string {
  const key = `concat(${seed === 0 ? '' : `${text(`${seed}\t`)}, `}user, '\t', target)`
  const chance = `${fnv1a32(key)} / ${double(2 ** 32)}`
  return `
    select w.u, w.t from ${whole} w
      join (select u from ${whole} group by u having count(*) <= ${limit}) using (u)
      join (select t, cast(count(*) as double) n from ${whole} group by t) c on c.t = w.t
      join users on users.u = w.u join targets on targets.t = w.t
    where case when c.n <= ${double(limit)} then true else ${chance} <= ${double(limit)} / c.n end`
}
