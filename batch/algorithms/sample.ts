// Down-sampling as the Universal Recommender did it, kept under the scoring of old, with a hash in place of its dice.
import { fnv1a32 } from '#schemas/hashes'
import { columnCounts, type Matrix } from './csr.ts'
import { sharedUint32 } from './shared.ts'

export interface SampleOptions {
  /** Rows and columns above it are cut. */
  readonly limit: number
  /** 0: none. */
  readonly seed: number
  readonly userOf: (row: number) => string
  readonly idOf: (column: number) => string
}

/**
 * The matrix with a user of more than `limit` ids emptied (the old integer division made his rate 0: a fault, kept), and
 * each cell of a column of more than `limit` users kept with the chance limit / users, by hash of the two ids.
 */
export function sampled(matrix: Matrix, { limit, seed, userOf, idOf }: SampleOptions): Matrix {
  const counts = columnCounts(matrix)
  const starts = sharedUint32(matrix.rows + 1)
  const kept = new Uint32Array(matrix.column.length)
  let end = 0
  for (let row = 0; row < matrix.rows; row++) {
    const first = matrix.starts[row] as number
    const last = matrix.starts[row + 1] as number
    for (let p = first; p < last && last - first <= limit; p++) {
      const c = matrix.column[p] as number
      const users = counts[c] as number
      if (users <= limit || chance(seed, userOf(row), idOf(c)) <= limit / users) kept[end++] = c
    }
    starts[row + 1] = end
  }
  const column = sharedUint32(end)
  column.set(kept.subarray(0, end))
  return { ...matrix, starts, column }
}

/** A number from 0 to 1 that depends on the ids and the seed alone. */
function chance(seed: number, user: string, id: string): number {
  const key = `${user}\t${id}`
  return fnv1a32(seed === 0 ? key : `${seed}\t${key}`) / 2 ** 32
}
