// Asymmetric cosine. With w(u) = (ids of u in the primary type · in this type)^-¼ over its mean, C(b, a) the sum of w over
// the users of both and n(x) the sum over the users of x:
//
//   W(b, a) = C(b, a) / ((n(b) + 20)^0.8 · (n(a) + 20)^0.2)
//
// The sums are of integers (w · 2²⁰, rounded), so they are exact and do not depend on their order; weights are compared
// and kept in steps of 1e-8.
import { power } from '#schemas/numerics'
import type { Matrix } from './csr.ts'
import { type AcosJob, emptyLists, ROWS_PER_BLOCK, rowCounter, takeRows } from './row-job.ts'
import { sharedFloat64 } from './shared.ts'
import { TopList } from './top-list.ts'

export const SHRINK = 20
export const COLUMN_POWER = 0.8
export const ROW_POWER = 0.2
export const USER_UNIT = 2 ** 20
/** Steps of a weight of 1. */
export const WEIGHT_STEPS = 1e8

export interface AcosOptions {
  /** A: a row a user, a column an item. */
  readonly primary: Matrix
  /** B: a row a user, a column an id of the indicator; A itself for the primary one. */
  readonly ids: Matrix
  readonly items: Matrix
  readonly termOf: Uint32Array
  readonly keep: number
}

/** The job of one indicator. */
export function acosJob({ primary, ids, items, termOf, keep }: AcosOptions): AcosJob {
  const userWeight = userWeights(primary, ids)
  const rowFactor = weightedCounts(primary, userWeight)
  for (let row = 0; row < rowFactor.length; row++) {
    rowFactor[row] =
      WEIGHT_STEPS / power((rowFactor[row] as number) / USER_UNIT + SHRINK, ROW_POWER)
  }
  const columnFactor = weightedCounts(ids, userWeight)
  for (let c = 0; c < columnFactor.length; c++) {
    const norm = power((columnFactor[c] as number) / USER_UNIT + SHRINK, COLUMN_POWER)
    columnFactor[c] = 1 / (USER_UNIT * norm)
  }
  return {
    measure: 'acos',
    items,
    ids,
    same: ids === primary,
    termOf,
    lists: emptyLists(items.rows, keep),
    next: rowCounter(),
    userWeight,
    rowFactor,
    columnFactor,
  }
}

/** What each user adds, in units of 2⁻²⁰. Square roots only: every machine rounds them alike. */
export function userWeights(primary: Matrix, ids: Matrix): Float64Array {
  const weights = sharedFloat64(primary.rows)
  let sum = 0
  for (let row = 0; row < weights.length; row++) {
    const raw = 1 / Math.sqrt(Math.sqrt(lengthOf(primary, row) * lengthOf(ids, row)))
    weights[row] = raw
    sum += Math.round(raw * USER_UNIT)
  }
  const scale = (USER_UNIT * (weights.length * USER_UNIT)) / sum
  for (let row = 0; row < weights.length; row++) {
    weights[row] = Math.round((weights[row] as number) * scale)
  }
  return weights
}

function lengthOf(matrix: Matrix, row: number): number {
  return Math.max(1, (matrix.starts[row + 1] as number) - (matrix.starts[row] as number))
}

function weightedCounts(matrix: Matrix, weights: Float64Array): Float64Array {
  const sums = sharedFloat64(matrix.columns)
  for (let row = 0; row < matrix.rows; row++) {
    const weight = weights[row] as number
    const end = matrix.starts[row + 1] as number
    for (let p = matrix.starts[row] as number; p < end; p++) {
      const c = matrix.column[p] as number
      sums[c] = (sums[c] as number) + weight
    }
  }
  return sums
}

/** Takes rows until there are none. */
export function correlateByAcos(job: AcosJob, onRows?: (begun: number) => void): void {
  const sums = new Float64Array(job.ids.columns)
  const touched = new Uint32Array(job.ids.columns)
  const best = new TopList(job.lists.keep)
  for (let first = takeRows(job); first < job.items.rows; first = takeRows(job)) {
    onRows?.(first)
    const end = Math.min(job.items.rows, first + ROWS_PER_BLOCK)
    for (let row = first; row < end; row++) {
      const distinct = sumRow(job, row, sums, touched)
      measureRow(job, row, sums, touched, distinct, best)
      writeRow(job, row, best)
    }
  }
}

/** Adds up the users each column shares with the row; returns how many columns there are. */
function sumRow(job: AcosJob, row: number, sums: Float64Array, touched: Uint32Array): number {
  const { starts: itemStarts, column: users } = job.items
  const { starts: userStarts, column: ids } = job.ids
  const { userWeight } = job
  let distinct = 0
  const last = itemStarts[row + 1] as number
  for (let p = itemStarts[row] as number; p < last; p++) {
    const user = users[p] as number
    const weight = userWeight[user] as number
    const end = userStarts[user + 1] as number
    for (let q = userStarts[user] as number; q < end; q++) {
      const c = ids[q] as number
      const sum = sums[c] as number
      sums[c] = sum + weight
      if (sum === 0) touched[distinct++] = c
    }
  }
  return distinct
}

/** Measures the touched columns, clears their sums and keeps the best. */
function measureRow(
  job: AcosJob,
  row: number,
  sums: Float64Array,
  touched: Uint32Array,
  distinct: number,
  best: TopList,
): void {
  const { columnFactor, termOf, same } = job
  const factor = job.rowFactor[row] as number
  best.clear()
  for (let t = 0; t < distinct; t++) {
    const c = touched[t] as number
    const value = (sums[c] as number) * (columnFactor[c] as number) * factor + 0.5
    sums[c] = 0
    if (value < 1 || value < best.least || (same && c === row)) continue
    best.offer(Math.floor(value), termOf[c] as number)
  }
}

function writeRow(job: AcosJob, row: number, best: TopList): void {
  best.sort()
  const { keep, count, key, term } = job.lists
  count[row] = best.length
  for (let n = 0, at = row * keep; n < best.length; n++, at++) {
    key[at] = best.values[n] as number
    term[at] = best.terms[n] as number
  }
}
