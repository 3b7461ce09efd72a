// The documents of a version in the order of some rankings: each descending with missing last, then by id. Backfill reads
// it from the front. Most of it is one sorted array; documents that came or whose live ranking changed since are in a
// short sorted list beside it, and both are merged now and then.
import { Bitset } from './bitset.ts'
import { type Compare, mergeSorted } from './merge-sorted.ts'
import { sortByValue } from './radix.ts'
import type { Steps } from './steps.ts'

/** Order by the rankings' values (NaN: missing), then by id. */
export function compareBy(
  rankings: readonly { values: Float64Array }[],
  ids: readonly string[],
): Compare {
  return (a, b) => {
    for (const { values } of rankings) {
      const left = a < values.length ? (values[a] as number) : Number.NaN
      const right = b < values.length ? (values[b] as number) : Number.NaN
      if (left > right) return -1
      if (left < right) return 1
      if (left === right) continue
      const missing = Number.isNaN(left)
      if (missing !== Number.isNaN(right)) return missing ? 1 : -1
    }
    if (a === b) return 0
    return (ids[a] as string) < (ids[b] as string) ? -1 : 1
  }
}

/** The list beside is merged into the array when it is longer than this, and than an eighth of the array. */
const BESIDE_MAX = 1000

export class RankOrder {
  readonly compare: Compare
  #sorted: Uint32Array = new Uint32Array(0)
  #beside: Uint32Array = new Uint32Array(0)
  /** Items in the list beside: their places in the array do not count. */
  readonly #isBeside = new Bitset()
  readonly #contains: Bitset
  readonly #changed = new Set<number>()

  private constructor(compare: Compare, items: number) {
    this.compare = compare
    this.#contains = new Bitset(items)
  }

  /** Sorts `items`, which must be in order of their ids. */
  static *build(
    items: Uint32Array,
    rankings: readonly { values: Float64Array }[],
    ids: readonly string[],
  ): Steps<RankOrder> {
    const order = new RankOrder(compareBy(rankings, ids), ids.length)
    const sorted = items.slice()
    for (const { values } of rankings.toReversed()) yield* sortByValue(sorted, values)
    for (const item of sorted) order.#contains.add(item)
    order.#sorted = sorted
    return order
  }

  /** Adds a document if it is not there. */
  add(item: number): void {
    if (this.#contains.has(item)) return
    this.#contains.add(item)
    this.#changed.add(item)
  }

  /** Puts a document whose ranking values changed to its new place. */
  move(item: number): void {
    if (this.#contains.has(item)) this.#changed.add(item)
  }

  /** The items from the front, until `visit` answers false. */
  walk(visit: (item: number) => boolean): void {
    this.#settle()
    const sorted = this.#sorted
    const beside = this.#beside
    let next = 0
    for (let i = 0; i < sorted.length; i++) {
      const item = sorted[i] as number
      if (beside.length > 0) {
        if (this.#isBeside.has(item)) continue
        while (next < beside.length && this.compare(beside[next] as number, item) < 0) {
          if (!visit(beside[next++] as number)) return
        }
      }
      if (!visit(item)) return
    }
    while (next < beside.length) if (!visit(beside[next++] as number)) return
  }

  #settle(): void {
    if (this.#changed.size === 0) return
    const fresh = Uint32Array.from([...this.#changed].sort(this.compare))
    const kept = this.#beside.filter((item) => !this.#changed.has(item))
    for (const item of fresh) this.#isBeside.add(item)
    this.#changed.clear()
    this.#beside = mergeSorted(kept, fresh, this.compare)
    if (this.#beside.length <= Math.max(BESIDE_MAX, this.#sorted.length / 8)) return
    const stay = this.#sorted.filter((item) => !this.#isBeside.has(item))
    this.#sorted = mergeSorted(stay, this.#beside, this.compare)
    this.#beside = new Uint32Array(0)
    this.#isBeside.clear()
  }
}
