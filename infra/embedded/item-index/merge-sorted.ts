/** Negative when item `a` stands before item `b`; a total order. */
export type Compare = (a: number, b: number) => number

/** Merges two sorted arrays. */
export function mergeSorted(a: Uint32Array, b: Uint32Array, compare: Compare): Uint32Array {
  if (b.length === 0) return a
  const merged = new Uint32Array(a.length + b.length)
  let i = 0
  let j = 0
  for (let place = 0; place < merged.length; place++) {
    const fromA = j === b.length || (i < a.length && compare(a[i] as number, b[j] as number) < 0)
    merged[place] = fromA ? (a[i++] as number) : (b[j++] as number)
  }
  return merged
}
