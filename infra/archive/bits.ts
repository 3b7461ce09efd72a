/** A bit a row. */
export interface Bits {
  has(row: number): boolean
  set(row: number): void
  clear(row: number): void
}

export function createBits(rows: number): Bits {
  const words = new Uint32Array((rows + 31) >>> 5)
  return {
    has: (row) => (((words[row >>> 5] as number) >>> (row & 31)) & 1) === 1,
    set: (row) => {
      words[row >>> 5] = (words[row >>> 5] as number) | (1 << (row & 31))
    },
    clear: (row) => {
      words[row >>> 5] = (words[row >>> 5] as number) & ~(1 << (row & 31))
    },
  }
}
