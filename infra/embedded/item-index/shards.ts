// The shards over which Elasticsearch 5 spread the items of an index, each with statistics of its own: an item lies in the
// shard that murmur3 of its id names. Worked out when the first search asks, and kept: an item's number never changes.
import { OLD_SHARDS, oldShardOf } from '#schemas/old-weights'
import type { ItemTable } from './item-table.ts'
import type { Postings, Rows } from './postings.ts'
import type { PropertyColumn } from './property-column.ts'

interface ColumnCount {
  readonly changes: number
  readonly counts: Float64Array
}

export class Shards {
  readonly #table: ItemTable
  readonly #rows: Rows
  #numbers = new Uint8Array(0)
  #values = new Float64Array(0)
  #known = 0
  readonly #ofPostings = new WeakMap<Postings, Float64Array>()
  readonly #ofColumns = new WeakMap<PropertyColumn, ColumnCount>()

  constructor(table: ItemTable, rows: Rows) {
    this.#table = table
    this.#rows = rows
  }

  /** Shard by item number. */
  get numbers(): Uint8Array {
    this.#settle()
    return this.#numbers
  }

  /** By item number, the higher the lower its shard: a ranking that orders by shard. */
  get values(): Float64Array {
    this.#settle()
    return this.#values
  }

  /** Items with an id in an indicator, by shard. */
  withPostings(postings: Postings): Float64Array {
    let counts = this.#ofPostings.get(postings)
    if (counts === undefined) {
      counts = new Float64Array(OLD_SHARDS)
      const { itemOf } = this.#rows
      const { rowStart } = postings
      for (let row = 0; row < itemOf.length; row++) {
        if (rowStart[row] !== rowStart[row + 1]) this.#count(counts, itemOf[row] as number)
      }
      this.#ofPostings.set(postings, counts)
    }
    return counts
  }

  /** Items with a term of an indicator, by shard. */
  withTerm({ start, item }: Postings, term: number): Float64Array {
    const counts = new Float64Array(OLD_SHARDS)
    const end = start[term + 1] as number
    for (let i = start[term] as number; i < end; i++) this.#count(counts, item[i] as number)
    return counts
  }

  /** Items with a property, by shard; counted anew after a change of one of them. */
  withProperty(column: PropertyColumn): Float64Array {
    const known = this.#ofColumns.get(column)
    if (known !== undefined && known.changes === column.changes) return known.counts
    const counts = new Float64Array(OLD_SHARDS)
    column.forEachWithValue((item) => this.#count(counts, item))
    this.#ofColumns.set(column, { changes: column.changes, counts })
    return counts
  }

  /** Items whose property has a value, by shard. */
  withValue(column: PropertyColumn, value: string): Float64Array {
    const counts = new Float64Array(OLD_SHARDS)
    column.forEachItem(column.match([value]), (item) => this.#count(counts, item))
    return counts
  }

  #count(counts: Float64Array, item: number): void {
    const shard = this.numbers[item] as number
    counts[shard] = (counts[shard] as number) + 1
  }

  #settle(): void {
    const { ids } = this.#table
    if (this.#known === ids.length) return
    if (ids.length > this.#numbers.length) {
      const room = Math.max(ids.length, this.#numbers.length * 2)
      const numbers = new Uint8Array(room)
      numbers.set(this.#numbers)
      this.#numbers = numbers
      const values = new Float64Array(room)
      values.set(this.#values)
      this.#values = values
    }
    for (let item = this.#known; item < ids.length; item++) {
      const shard = oldShardOf(ids[item] as string)
      this.#numbers[item] = shard
      this.#values[item] = OLD_SHARDS - shard
    }
    this.#known = ids.length
  }
}
