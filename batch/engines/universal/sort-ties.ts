/**
 * Rounding makes new equals: within a row ids of one weight stand in their order. (Flat lists keep theirs, by LLR: all of
 * their weights are 1 and say nothing.)
 */
export function sortTies(starts: Uint32Array, term: Uint32Array, weight: Float32Array): void {
  for (let row = 0; row + 1 < starts.length; row++) {
    const end = starts[row + 1] as number
    for (let from = starts[row] as number; from < end; ) {
      let to = from + 1
      while (to < end && weight[to] === weight[from]) to++
      if (to - from > 1 && weight[from] !== 1) term.subarray(from, to).sort()
      from = to
    }
  }
}
