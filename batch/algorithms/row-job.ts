// One product AᵀB with a measure for each pair and the best few kept a row. Several threads run the same job at once:
// each takes the next block of rows from a shared counter. Everything in it is shared memory or a plain number.
import type { Matrix } from './csr.ts'
import { sharedInt32, sharedUint32 } from './shared.ts'

export interface RowLists {
  /** Entries a row at most; row r begins at r · keep. */
  readonly keep: number
  /** Entries each row has. */
  readonly count: Uint32Array
  /** Values as integers that keep their order: bits of a float32 (`llr`), or 1e8 times the weight (`acos`). */
  readonly key: Uint32Array
  readonly term: Uint32Array
}

interface JobBase {
  /** A transposed: a row an item, its columns the users. */
  readonly items: Matrix
  /** B: a row a user, its columns the ids of the indicator. */
  readonly ids: Matrix
  /** B is A: an item is not its own neighbour. */
  readonly same: boolean
  /** Number of each column of B in the order of ids: what is written, and what decides between equals. */
  readonly termOf: Uint32Array
  readonly lists: RowLists
  /** The next row nobody has taken. */
  readonly next: Int32Array
}

export interface LlrJob extends JobBase {
  readonly measure: 'llr'
  readonly users: number
  /** Users of each row, of each column. */
  readonly rowCount: Uint32Array
  readonly columnCount: Uint32Array
  /** x ln x of its users and of all others, for each column. */
  readonly columnTerm: Float64Array
  /** x ln x for 0 … users. */
  readonly xLogX: Float64Array
  /** Only pairs that occur together more often than chance. */
  readonly aboveChance: boolean
  /** Least LLR that stays. */
  readonly minimum: number
}

export interface AcosJob extends JobBase {
  readonly measure: 'acos'
  /** What each user adds: an integer, so that sums do not depend on their order. */
  readonly userWeight: Float64Array
  readonly rowFactor: Float64Array
  readonly columnFactor: Float64Array
}

export type RowJob = LlrJob | AcosJob

/** Runs a job to its end on however many threads there are; `onRows` is told the rows begun. */
export type RowRunner = (job: RowJob, onRows?: (begun: number) => void) => Promise<void>

export const ROWS_PER_BLOCK = 32

export function emptyLists(rows: number, keep: number): RowLists {
  return {
    keep,
    count: sharedUint32(rows),
    key: sharedUint32(rows * keep),
    term: sharedUint32(rows * keep),
  }
}

export const rowCounter = (): Int32Array => sharedInt32(1)

/** The next block of rows: its first one, at or above the number of rows when all are taken. */
export function takeRows(job: RowJob): number {
  return Atomics.add(job.next, 0, ROWS_PER_BLOCK)
}
