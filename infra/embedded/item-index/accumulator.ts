// Sums of evidence by item: the inner loops of a search. One accumulator serves every search of the process, one at a time;
// `clear` leaves all sums at 0. While few items have a sum, those are listed; else all sums are looked through.
import type { EvidenceClause } from '#schemas/query'
import type { ItemTable } from './item-table.ts'
import { findTerm, type Postings, WEIGHTS } from './postings.ts'

/** A clause with its ids as terms of an indicator; ids that no item has are left out. */
export interface ClauseTerms {
  readonly clause: EvidenceClause
  readonly postings: Postings
  readonly terms: readonly number[]
  /** Postings of all terms together. */
  readonly length: number
}

/** A clause of an indicator that the version does not have has no terms, and matches nothing. */
export function resolveClause(
  clause: EvidenceClause,
  indicators: ReadonlyMap<string, Postings>,
  table: ItemTable,
): ClauseTerms | null {
  const postings = indicators.get(clause.indicator)
  if (postings === undefined) return null
  const terms: number[] = []
  let length = 0
  for (const id of clause.ids) {
    const term = findTerm(postings, table, id)
    if (term < 0) continue
    terms.push(term)
    length += (postings.start[term + 1] as number) - (postings.start[term] as number)
  }
  return { clause, postings, terms, length }
}

/** Listing the items with a sum pays while postings are fewer than one in so many items. */
const LISTED_SHARE = 5

export class Accumulator {
  /** By item number; 0 where there is no evidence. */
  sums = new Float64Array(0)
  #items = 0
  #list = new Uint32Array(0)
  #listCount = 0
  #isListed = true
  #clauseSums = new Float64Array(0)
  #clauseItems: number[] = []

  /** Makes room for `items` items, of which a search expects to touch `postings`. */
  begin(items: number, postings: number): void {
    this.#items = items
    if (this.sums.length < items) {
      this.sums = new Float64Array(Math.max(items, 2 * this.sums.length))
      this.#list = new Uint32Array(this.sums.length)
    }
    this.#isListed = postings * LISTED_SHARE < items
    this.#listCount = 0
  }

  /** Adds boost · weight of every posting. */
  addWeighted({ postings, terms, clause }: ClauseTerms): void {
    for (const term of terms) {
      const from = postings.start[term] as number
      const to = postings.start[term + 1] as number
      if (!this.#isListed) addRun(this.sums, postings, from, to, clause.boost, WEIGHTS)
      else {
        // Listing first, in a loop of its own, brings the sums near: quicker than one loop that does both.
        const { sums } = this
        this.#listCount = listRun(sums, postings, from, to, this.#list, this.#listCount)
        addRun(sums, postings, from, to, clause.boost, WEIGHTS)
      }
    }
  }

  /** Sums what `fill` adds an item, rounds each sum to float32, and adds it to the item's whole. */
  addClause(fill: (add: (item: number, value: number) => void) => void): void {
    if (this.#clauseSums.length < this.sums.length) {
      this.#clauseSums = new Float64Array(this.sums.length)
    }
    const clauseSums = this.#clauseSums
    const items = this.#clauseItems
    fill((item, value) => {
      const sum = clauseSums[item] as number
      if (sum === 0) items.push(item)
      clauseSums[item] = sum + value
    })
    for (const item of items) {
      const sum = this.sums[item] as number
      if (sum === 0 && this.#isListed) this.#list[this.#listCount++] = item
      this.sums[item] = sum + Math.fround(clauseSums[item] as number)
      clauseSums[item] = 0
    }
    items.length = 0
  }

  /** Calls `visit` with each item whose sum is not below `floor()`, which may rise meanwhile. */
  offer(floor: () => number, visit: (item: number, sum: number) => void): void {
    const { sums } = this
    const list = this.#isListed ? this.#list : null
    const end = list === null ? this.#items : this.#listCount
    let place = 0
    for (;;) {
      const lowest = Math.max(floor(), Number.MIN_VALUE)
      place =
        list === null ? scan(sums, place, end, lowest) : scanList(sums, list, place, end, lowest)
      if (place === end) return
      const item = list === null ? place : (list[place] as number)
      visit(item, sums[item] as number)
      place++
    }
  }

  clear(): void {
    if (!this.#isListed) this.sums.fill(0, 0, this.#items)
    else for (let i = 0; i < this.#listCount; i++) this.sums[this.#list[i] as number] = 0
  }
}

// The inner loops, apart from the class so that each is compiled for itself.

function addRun(
  sums: Float64Array,
  { item, weight }: Postings,
  from: number,
  to: number,
  boost: number,
  weights: Float32Array,
): void {
  for (let i = from; i < to; i++) {
    const number = item[i] as number
    sums[number] = (sums[number] as number) + boost * (weights[weight[i] as number] as number)
  }
}

/** Lists the items of a run that have no sum yet; returns the new length of the list. */
function listRun(
  sums: Float64Array,
  { item }: Postings,
  from: number,
  to: number,
  list: Uint32Array,
  length: number,
): number {
  let count = length
  for (let i = from; i < to; i++) {
    const number = item[i] as number
    list[count] = number
    if (sums[number] === 0) count++
  }
  return count
}

function scan(sums: Float64Array, from: number, end: number, lowest: number): number {
  for (let item = from; item < end; item++) if ((sums[item] as number) >= lowest) return item
  return end
}

function scanList(
  sums: Float64Array,
  list: Uint32Array,
  from: number,
  end: number,
  lowest: number,
): number {
  for (let i = from; i < end; i++) if ((sums[list[i] as number] as number) >= lowest) return i
  return end
}
