// The items of one app, whatever versions there are: each id gets a number at first sight, and everything else (states,
// properties, postings, rankings) is told by that number.
import type { Json } from '#schemas/json'
import type { ItemState } from '#schemas/state'
import { Bitset } from './bitset.ts'
import { grownFloat64 } from './grow.ts'
import { PropertyColumn } from './property-column.ts'

/** Told of what changed, so that an open version keeps its documents right. */
export interface ItemListener {
  /** The state or sightings of this item are others now. */
  readonly changed: (item: number) => void
  /** Nothing is known of any item. */
  readonly cleared: () => void
}

/** A set of property names that many items share. */
interface Shape {
  readonly names: readonly string[]
  items: number
}

const NO_SHAPE: Shape = { names: [], items: 0 }

/** Offset of an item whose state was never told. */
const NO_OFFSET = -1

export class ItemTable {
  readonly ids: string[] = []
  /** There is a `$delete` newer than every `$set`. */
  readonly deleted = new Bitset()
  /** Exists, and has properties. */
  readonly described = new Bitset()
  readonly #numbers = new Map<string, number>()
  readonly #seen = new Map<string, Bitset>()
  readonly #columns = new Map<string, PropertyColumn>()
  readonly #shapes = new Map<string, Shape>()
  readonly #shapeOf: (Shape | undefined)[] = []
  readonly #listeners = new Set<ItemListener>()
  #offsets = new Float64Array(0)

  get size(): number {
    return this.ids.length
  }

  find(id: string): number | undefined {
    return this.#numbers.get(id)
  }

  register(id: string): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    const item = this.ids.length
    this.ids.push(id)
    this.#numbers.set(id, item)
    return item
  }

  column(name: string): PropertyColumn | undefined {
    return this.#columns.get(name)
  }

  wasSeen(event: string, item: number): boolean {
    return this.#seen.get(event)?.has(item) ?? false
  }

  see(event: string, id: string): void {
    const item = this.register(id)
    let seen = this.#seen.get(event)
    if (seen === undefined) {
      seen = new Bitset()
      this.#seen.set(event, seen)
    }
    if (seen.has(item)) return
    seen.add(item)
    this.#tell(item)
  }

  /** Offset up to which an item's state is folded; -1 when none was told. */
  offset(item: number): number {
    return this.#offsets[item] ?? NO_OFFSET
  }

  /** The properties of an item as rules see them, in order of their names. */
  properties(item: number): (readonly [name: string, value: Json])[] {
    const { names } = this.#shapeOf[item] ?? NO_SHAPE
    return names.map((name) => [name, this.#columns.get(name)?.value(item) ?? null])
  }

  /** Takes a state over, unless a newer one of the item is known. */
  applyState(state: ItemState): void {
    const item = this.register(state.item)
    this.#offsets = grownFloat64(this.#offsets, item + 1, NO_OFFSET)
    if (state.offset < (this.#offsets[item] as number)) return
    this.#offsets[item] = state.offset
    const names = Object.keys(state.properties).sort()
    this.#writeProperties(item, names, state.properties)
    this.deleted.put(item, state.deleted)
    this.described.put(item, state.exists && names.length > 0)
    this.#tell(item)
  }

  /** Forgets states and sightings. The numbers of the items stay: postings are told by them. */
  clear(): void {
    this.deleted.clear()
    this.described.clear()
    this.#seen.clear()
    this.#columns.clear()
    this.#shapes.clear()
    this.#shapeOf.length = 0
    this.#offsets.fill(NO_OFFSET)
    for (const listener of this.#listeners) listener.cleared()
  }

  listen(listener: ItemListener): void {
    this.#listeners.add(listener)
  }

  unlisten(listener: ItemListener): void {
    this.#listeners.delete(listener)
  }

  #tell(item: number): void {
    for (const listener of this.#listeners) listener.changed(item)
  }

  #writeProperties(
    item: number,
    names: readonly string[],
    properties: Readonly<Record<string, Json>>,
  ): void {
    const before = this.#shapeOf[item] ?? NO_SHAPE
    const after = this.#shape(names)
    if (before !== after) {
      for (const name of before.names) {
        if (!Object.hasOwn(properties, name)) this.#write(name, item, null)
      }
      this.#leave(before)
      after.items++
      this.#shapeOf[item] = after
    }
    for (const name of after.names) this.#write(name, item, properties[name] ?? null)
  }

  #write(name: string, item: number, value: Json): void {
    let column = this.#columns.get(name)
    if (column === undefined) {
      if (value === null) return
      column = new PropertyColumn()
      this.#columns.set(name, column)
    }
    column.set(item, value, this.ids.length)
    if (column.size === 0) this.#columns.delete(name)
  }

  #shape(names: readonly string[]): Shape {
    const key = JSON.stringify(names)
    let shape = this.#shapes.get(key)
    if (shape === undefined) {
      shape = { names, items: 0 }
      this.#shapes.set(key, shape)
    }
    return shape
  }

  #leave(shape: Shape): void {
    if (shape === NO_SHAPE) return
    shape.items--
    if (shape.items === 0) this.#shapes.delete(JSON.stringify(shape.names))
  }
}
