// One indicator of a version, inverted. Term t stands in the items item[start[t]] … item[start[t + 1] - 1], ascending, with
// the weight of the same place. A weight of a model has 16 significant bits (`roundWeight`): it is kept as their number,
// and read through a table.
import type { IndicatorLists } from '#schemas/model'
import type { ItemTable } from './item-table.ts'
import { SLICE, type Steps } from './steps.ts'

/** Weights by their 16 bits: the float32 without its low 15. */
export const WEIGHTS = new Float32Array(
  Uint32Array.from({ length: 65536 }, (_, i) => i << 15).buffer,
)

const NO_TERM = 0xffffffff

export interface Postings {
  readonly name: string
  readonly terms: readonly string[]
  readonly start: Uint32Array
  readonly item: Uint32Array
  readonly weight: Uint16Array
  /** Items with at least one id. */
  readonly itemsWithValue: number
  /** Term of an item number; ids that were no items when the version was built are in `otherTerms`. */
  readonly termOfItem: Uint32Array
  readonly otherTerms: ReadonlyMap<string, number>
  /** The lists as the model has them: row starts and terms. */
  readonly rowStart: Uint32Array
  readonly rowTerm: Uint32Array
}

/** Where the rows of a model lie among an app's items. */
export interface Rows {
  /** Item number of each row. */
  readonly itemOf: Uint32Array
  /** Row of each item number, -1 where it has none. */
  readonly rowOf: Int32Array
}

/** Inverts the lists of an indicator by counting. */
export function* buildPostings(
  lists: IndicatorLists,
  rows: Rows,
  table: ItemTable,
): Steps<Postings> {
  const { starts, term } = lists
  const entries = starts[rows.itemOf.length] ?? 0
  const start = new Uint32Array(lists.terms.length + 1)
  for (let i = 0; i < entries; i++) {
    const place = (term[i] as number) + 1
    start[place] = (start[place] as number) + 1
    if (i % SLICE === SLICE - 1) yield
  }
  for (let t = 0; t < lists.terms.length; t++) {
    start[t + 1] = (start[t + 1] as number) + (start[t] as number)
  }
  yield
  const item = new Uint32Array(entries)
  yield
  const weight = new Uint16Array(entries)
  const itemsWithValue = yield* scatter(lists, rows, start.slice(), item, weight)
  const dictionary = yield* buildDictionary(lists.terms, table)
  return {
    name: lists.name,
    terms: lists.terms,
    start,
    item,
    weight,
    itemsWithValue,
    ...dictionary,
    rowStart: starts,
    rowTerm: term,
  }
}

/** Writes each entry to its term, going through the items in ascending order; returns how many items have an entry. */
function* scatter(
  lists: IndicatorLists,
  rows: Rows,
  next: Uint32Array,
  item: Uint32Array,
  weight: Uint16Array,
): Steps<number> {
  const { starts, term } = lists
  const bits = new Uint32Array(lists.weight.buffer, lists.weight.byteOffset, lists.weight.length)
  let itemsWithValue = 0
  let sinceYield = 0
  for (let number = 0; number < rows.rowOf.length; number++) {
    const row = rows.rowOf[number] as number
    if (row < 0) continue
    const from = starts[row] as number
    const to = starts[row + 1] as number
    if (to > from) itemsWithValue++
    for (let i = from; i < to; i++) {
      const t = term[i] as number
      const place = next[t] as number
      next[t] = place + 1
      item[place] = number
      weight[place] = (bits[i] as number) >>> 15
    }
    sinceYield += to - from + 1
    if (sinceYield < SLICE) continue
    sinceYield = 0
    yield
  }
  return itemsWithValue
}

function* buildDictionary(
  terms: readonly string[],
  table: ItemTable,
): Steps<{ termOfItem: Uint32Array; otherTerms: Map<string, number> }> {
  const termOfItem = new Uint32Array(table.size).fill(NO_TERM)
  const otherTerms = new Map<string, number>()
  for (const [t, text] of terms.entries()) {
    const number = table.find(text)
    if (number !== undefined && number < termOfItem.length) termOfItem[number] = t
    else otherTerms.set(text, t)
    if (t % (SLICE / 8) === SLICE / 8 - 1) yield
  }
  return { termOfItem, otherTerms }
}

/** The term of an id, or -1. */
export function findTerm(postings: Postings, table: ItemTable, id: string): number {
  const number = table.find(id)
  if (number !== undefined && number < postings.termOfItem.length) {
    const term = postings.termOfItem[number] as number
    if (term !== NO_TERM) return term
  }
  return postings.otherTerms.get(id) ?? -1
}

/** The weight with which a term stands in an item, 0 when it does not. */
export function weightIn(postings: Postings, term: number, item: number): number {
  let low = postings.start[term] as number
  let high = postings.start[term + 1] as number
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((postings.item[middle] as number) < item) low = middle + 1
    else high = middle
  }
  const found = low < (postings.start[term + 1] as number) && postings.item[low] === item
  return found ? (WEIGHTS[postings.weight[low] as number] as number) : 0
}
