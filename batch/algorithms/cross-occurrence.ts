// Correlated cross-occurrence: for each item the ids of an indicator whose users are, more than chance would have it, its
// users too. Gustavson's row by row product AᵀB with dense counters, and Dunning's log-likelihood ratio of each pair.
import { columnCounts, type Matrix } from './csr.ts'
import { emptyLists, type LlrJob, ROWS_PER_BLOCK, rowCounter, takeRows } from './row-job.ts'
import { sharedFloat64 } from './shared.ts'
import { TopList } from './top-list.ts'

type Counters = Uint16Array | Uint32Array

export interface LlrOptions {
  /** A: a row a user, a column an item. Every row is a user that counts. */
  readonly primary: Matrix
  /** B: a row a user, a column an id of the indicator; A itself for the primary one. */
  readonly ids: Matrix
  readonly items: Matrix
  readonly termOf: Uint32Array
  readonly keep: number
  readonly xLogX: Float64Array
  readonly aboveChance: boolean
  readonly minimum: number
}

/** x ln x for 0 … n, in shared memory. */
export function xLogXTable(n: number): Float64Array {
  const table = sharedFloat64(n + 1)
  for (let x = 2; x <= n; x++) table[x] = x * Math.log(x)
  return table
}

/** The job of one indicator. */
export function llrJob(options: LlrOptions): LlrJob {
  const { primary, ids, items, keep, xLogX } = options
  const users = primary.rows
  const columnCount = columnCounts(ids)
  const columnTerm = sharedFloat64(ids.columns)
  for (let c = 0; c < columnTerm.length; c++) {
    const count = columnCount[c] as number
    columnTerm[c] = (xLogX[count] as number) + (xLogX[users - count] as number)
  }
  return {
    measure: 'llr',
    items,
    ids,
    same: ids === primary,
    termOf: options.termOf,
    lists: emptyLists(items.rows, keep),
    next: rowCounter(),
    users,
    rowCount: columnCounts(primary),
    columnCount,
    columnTerm,
    xLogX,
    aboveChance: options.aboveChance,
    minimum: options.minimum,
  }
}

const floats = new Float32Array(1)
const bits = new Uint32Array(floats.buffer)

/** The bits of a positive float32, which sort as the numbers do. */
export function bitsOf(value: number): number {
  floats[0] = value
  return bits[0] as number
}

export function floatOf(key: number): number {
  bits[0] = key
  return floats[0] as number
}

/** Takes rows until there are none. */
export function correlateByLlr(job: LlrJob, onRows?: (begun: number) => void): void {
  let widest = 0
  for (let row = 0; row < job.items.rows; row++) {
    widest = Math.max(widest, job.rowCount[row] as number)
  }
  // A count is at most the users of its row: 16 bits hold most data sets, and half the bytes miss the cache less often.
  const columns = job.ids.columns
  const counters = widest < 65_536 ? new Uint16Array(columns) : new Uint32Array(columns)
  const touched = new Uint32Array(columns)
  const best = new TopList(job.lists.keep)
  for (let first = takeRows(job); first < job.items.rows; first = takeRows(job)) {
    onRows?.(first)
    const end = Math.min(job.items.rows, first + ROWS_PER_BLOCK)
    for (let row = first; row < end; row++) {
      const distinct = countRow(job, row, counters, touched)
      measureRow(job, row, counters, touched, distinct, best)
      writeRow(job, row, best)
    }
  }
}

/** Counts the users each column shares with the row; returns how many columns there are. */
function countRow(job: LlrJob, row: number, counters: Counters, touched: Uint32Array): number {
  const { starts: itemStarts, column: users } = job.items
  const { starts: userStarts, column: ids } = job.ids
  let distinct = 0
  const last = itemStarts[row + 1] as number
  for (let p = itemStarts[row] as number; p < last; p++) {
    const user = users[p] as number
    const end = userStarts[user + 1] as number
    for (let q = userStarts[user] as number; q < end; q++) {
      const c = ids[q] as number
      const count = counters[c] as number
      counters[c] = count + 1
      if (count === 0) touched[distinct++] = c
    }
  }
  return distinct
}

/** Measures the touched columns, clears their counters and keeps the best. */
function measureRow(
  job: LlrJob,
  row: number,
  counters: Counters,
  touched: Uint32Array,
  distinct: number,
  best: TopList,
): void {
  const { users, columnCount, columnTerm, xLogX, termOf, aboveChance, same } = job
  const minimum = Math.fround(job.minimum)
  const r = job.rowCount[row] as number
  const rowTerm = (xLogX[r] as number) + (xLogX[users - r] as number) - (xLogX[users] as number)
  best.clear()
  for (let t = 0; t < distinct; t++) {
    const c = touched[t] as number
    const k11 = counters[c] as number
    counters[c] = 0
    const columnUsers = columnCount[c] as number
    const k12 = r - k11
    const k21 = columnUsers - k11
    const k22 = users - r - columnUsers + k11
    const together = k11 * k22
    const apart = k12 * k21
    if (aboveChance ? together <= apart : together === apart) continue
    if (same && c === row) continue
    const matrix =
      (xLogX[k11] as number) +
      (xLogX[k12] as number) +
      (xLogX[k21] as number) +
      (xLogX[k22] as number)
    const value = Math.fround(2 * (matrix - rowTerm - (columnTerm[c] as number)))
    if (value > 0 && value >= best.least && value >= minimum) best.offer(value, termOf[c] as number)
  }
}

function writeRow(job: LlrJob, row: number, best: TopList): void {
  best.sort()
  const { keep, count, key, term } = job.lists
  count[row] = best.length
  for (let n = 0, at = row * keep; n < best.length; n++, at++) {
    key[at] = bitsOf(best.values[n] as number)
    term[at] = best.terms[n] as number
  }
}
