// Binary sparse matrices in compressed rows: the columns of row r are column[starts[r]] … column[starts[r + 1] - 1].
// Made by counting sorts, so the cost is linear in the pairs.
import type { Pairs } from './pairs.ts'
import { sharedUint32 } from './shared.ts'

export interface Matrix {
  readonly rows: number
  readonly columns: number
  /** rows + 1. */
  readonly starts: Uint32Array
  readonly column: Uint32Array
}

export interface RowsOptions {
  readonly pairs: Pairs
  /** Row of each user number, -1 for users that do not count. */
  readonly rowOf: Int32Array
  readonly rows: number
  /** Number of target numbers; they are the columns. */
  readonly columns: number
  /** Newest distinct targets of a user that stay. */
  readonly limit: number
  /** Place of each target among the sorted ids: decides between equal times. */
  readonly ranks: Uint32Array
}

/**
 * One row a user, one column a target; repeats are one cell. Of a user with more than `limit` targets the newest stay
 * (a repeated target counts at its newest time; equal times by id), so the order of the pairs does not matter.
 */
export function binaryRows(options: RowsOptions): Matrix {
  const { pairs, rowOf, rows, columns, limit } = options
  const { user, target, time } = pairs
  const from = new Uint32Array(rows + 1)
  for (let p = 0; p < user.length; p++) {
    const row = rowOf[user[p] as number] as number
    if (row >= 0) from[row + 1] = (from[row + 1] as number) + 1
  }
  let long = false
  for (let row = 0; row < rows; row++) {
    if ((from[row + 1] as number) > limit) long = true
    from[row + 1] = (from[row + 1] as number) + (from[row] as number)
  }
  const total = from[rows] as number
  const cells = new Uint32Array(total)
  const times = long ? new Float64Array(total) : null
  const at = from.slice(0, rows)
  for (let p = 0; p < user.length; p++) {
    const row = rowOf[user[p] as number] as number
    if (row < 0) continue
    const place = at[row] as number
    at[row] = place + 1
    cells[place] = target[p] as number
    if (times !== null) times[place] = time[p] as number
  }
  const starts = sharedUint32(rows + 1)
  const end = compact({ from, cells, times, starts, rows, columns, limit, ranks: options.ranks })
  const column = sharedUint32(end)
  column.set(cells.subarray(0, end))
  return { rows, columns, starts, column }
}

interface Compacting {
  readonly from: Uint32Array
  readonly cells: Uint32Array
  readonly times: Float64Array | null
  readonly starts: Uint32Array
  readonly rows: number
  readonly columns: number
  readonly limit: number
  readonly ranks: Uint32Array
}

/** Removes repeats, and what is too old in long rows, in place; fills `starts` and returns the number of cells. */
function compact({ from, cells, times, starts, rows, columns, limit, ranks }: Compacting): number {
  // seen[t] = place of target t in the row being made, if that place is in this row.
  const seen = new Int32Array(columns).fill(-1)
  let end = 0
  for (let row = 0; row < rows; row++) {
    const start = end
    starts[row] = start
    for (let p = from[row] as number; p < (from[row + 1] as number); p++) {
      const target = cells[p] as number
      const place = seen[target] as number
      if (place < start) {
        seen[target] = end
        cells[end] = target
        if (times !== null) times[end] = times[p] as number
        end++
      } else if (times !== null && (times[p] as number) > (times[place] as number)) {
        times[place] = times[p] as number
      }
    }
    if (times !== null && end - start > limit) {
      keepNewest(cells.subarray(start, end), times.subarray(start, end), ranks)
      // The next row begins before the places of what is cut off: forget that they were taken.
      for (let p = start; p < end; p++) seen[cells[p] as number] = -1
      end = start + limit
    }
  }
  starts[rows] = end
  return end
}

/** Sorts a row by time descending, then id. */
function keepNewest(cells: Uint32Array, times: Float64Array, ranks: Uint32Array): void {
  const order = Uint32Array.from(cells.keys()).sort(
    (a, b) =>
      (times[b] as number) - (times[a] as number) ||
      (ranks[cells[a] as number] as number) - (ranks[cells[b] as number] as number),
  )
  cells.set(order.map((place) => cells[place] as number))
}

/** Cells in each column. */
export function columnCounts(matrix: Matrix): Uint32Array<SharedArrayBuffer> {
  const counts = sharedUint32(matrix.columns)
  const { column } = matrix
  for (let p = 0; p < column.length; p++) {
    const c = column[p] as number
    counts[c] = (counts[c] as number) + 1
  }
  return counts
}

/** The columns that have cells, the fullest first, then by id: counters of popular columns then share cache lines. */
export function byPopularity(matrix: Matrix, ranks: Uint32Array): Uint32Array {
  const counts = columnCounts(matrix)
  const used: number[] = []
  for (let c = 0; c < counts.length; c++) if ((counts[c] as number) > 0) used.push(c)
  return Uint32Array.from(used).sort(
    (a, b) =>
      (counts[b] as number) - (counts[a] as number) || (ranks[a] as number) - (ranks[b] as number),
  )
}

/** Numbers the columns anew, in place of the array: new column n is old column `order[n]`; all others are empty. */
export function renumbered(matrix: Matrix, order: Uint32Array): Matrix {
  const numbers = new Uint32Array(matrix.columns)
  for (let n = 0; n < order.length; n++) numbers[order[n] as number] = n
  const { column } = matrix
  for (let p = 0; p < column.length; p++) column[p] = numbers[column[p] as number] as number
  return { ...matrix, columns: order.length }
}

/** Rows become columns. */
export function transposed(matrix: Matrix): Matrix {
  const { rows, columns, starts: from, column: cells } = matrix
  const starts = sharedUint32(columns + 1)
  for (let p = 0; p < cells.length; p++) {
    const next = (cells[p] as number) + 1
    starts[next] = (starts[next] as number) + 1
  }
  for (let c = 0; c < columns; c++) {
    starts[c + 1] = (starts[c + 1] as number) + (starts[c] as number)
  }
  const column = sharedUint32(cells.length)
  const at = starts.slice(0, columns)
  for (let row = 0; row < rows; row++) {
    for (let p = from[row] as number; p < (from[row + 1] as number); p++) {
      const c = cells[p] as number
      const place = at[c] as number
      at[c] = place + 1
      column[place] = row
    }
  }
  return { rows: columns, columns: rows, starts, column }
}
