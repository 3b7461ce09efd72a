// Pairs → one binary matrix an indicator, all with the same rows: the users with enough events of the primary indicator.
import type { UniversalParams } from '#schemas/engines/universal'
import { samplesAsOfOld } from '#schemas/engines/universal-quirks'
import { binaryRows, byPopularity, type Matrix, renumbered } from '../../algorithms/csr.ts'
import { sampled } from '../../algorithms/sample.ts'
import type { TrainingData } from './training-data.ts'

export interface IndicatorMatrix {
  /** A row a user, a column a target; the fullest columns first. */
  readonly matrix: Matrix
  /** Target number of each column. */
  readonly targetOf: Uint32Array
}

export interface Matrices {
  readonly users: number
  readonly indicators: readonly IndicatorMatrix[]
}

/** @param ranks place of each target number among the sorted ids */
export function buildMatrices(
  data: TrainingData,
  params: UniversalParams,
  ranks: Uint32Array,
): Matrices {
  const { rowOf, userOf } = primaryUsers(data, params.minEventsPerUser)
  const ofOld = samplesAsOfOld(params)
  const indicators = params.indicators.map(({ maxItemsPerUser }, i) => {
    const pairs = data.pairs[i]
    if (pairs === undefined) throw new RangeError(`no pairs of indicator ${i}`)
    const raw = binaryRows({
      pairs,
      rowOf,
      rows: userOf.length,
      columns: data.targets.size,
      // Of old a rule of its own samples instead.
      limit: ofOld ? Number.POSITIVE_INFINITY : maxItemsPerUser,
      ranks,
    })
    const kept = ofOld
      ? sampled(raw, {
          limit: maxItemsPerUser,
          seed: params.seed,
          userOf: (row) => data.users.text(userOf[row] as number),
          idOf: (column) => data.targets.text(column),
        })
      : raw
    const targetOf = byPopularity(kept, ranks)
    return { matrix: renumbered(kept, targetOf), targetOf }
  })
  return { users: userOf.length, indicators }
}

/** The users that count, by their raw number of primary events, and the row of each. */
function primaryUsers(
  data: TrainingData,
  minimum: number,
): { readonly rowOf: Int32Array; readonly userOf: Uint32Array } {
  const counts = new Uint32Array(data.users.size)
  const user = data.pairs[0]?.user ?? new Uint32Array()
  for (let p = 0; p < user.length; p++) {
    const u = user[p] as number
    counts[u] = (counts[u] as number) + 1
  }
  const rowOf = new Int32Array(counts.length).fill(-1)
  const userOf = new Uint32Array(counts.length)
  let rows = 0
  for (let u = 0; u < counts.length; u++) {
    if ((counts[u] as number) < Math.max(1, minimum)) continue
    rowOf[u] = rows
    userOf[rows++] = u
  }
  return { rowOf, userOf: userOf.subarray(0, rows) }
}
