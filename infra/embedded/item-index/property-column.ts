// One property of an app's items. Values are numbered once (a code a distinct value), items hold codes:
//
//   item    0  1  2  3  …          code  value                 items   date
//   code    2  0  1  2             1     "2025-01-01"          1       1735689600000
//                                  2     ["Phones", "Apple"]   2       -
//
// Code 0 stands for no value. A rule finds the codes of its value and asks whether an item has one of them, so a rule costs the same
// however many items there are, and a change of an item is one code written. Values that no item has any more are
// forgotten and their codes used again.
import { createHash } from 'node:crypto'
import type { Json } from '#schemas/json'
import { dateOf, ruleTexts } from '#schemas/rule-values'
import { grownFloat64, grownUint32 } from './grow.ts'

type Scalar = string | number | boolean
type KeptValue = Scalar | readonly string[]

/** Codes of the array values that contain one text, and how many items have one of them. */
interface Containing {
  readonly codes: Set<number>
  items: number
}

/** The codes by which a rule's values are found. */
export interface CodeMatch {
  readonly scalars: readonly number[]
  readonly arrays: readonly ReadonlySet<number>[]
}

/** A longer text is kept as its hash: rules compare whole values, and descriptions would fill the memory. */
const TEXT_UNITS_MAX = 200

/** A column stays a map while fewer than one in so many items has the property. */
const SPARSE_SHARE = 16

/** So few codes are looked for one after the other. */
const FEW_CODES = 3

const DATE_UNKNOWN = Number.NEGATIVE_INFINITY

function shorten(text: string): string {
  if (text.length <= TEXT_UNITS_MAX) return text
  return `\u0000sha256:${createHash('sha256').update(text).digest('base64')}`
}

/** The part of a value that rules, dates and rankings can ask for; null when there is none. */
function kept(value: Json): KeptValue | null {
  if (Array.isArray(value)) {
    const texts = ruleTexts(value).map(shorten)
    return texts.length === 0 ? null : texts
  }
  if (typeof value === 'string') return shorten(value)
  return typeof value === 'number' || typeof value === 'boolean' ? value : null
}

export class PropertyColumn {
  /** Items that have a value. */
  size = 0
  /** Distinct texts that items have, of all items together. */
  values = 0
  /** Rises whenever an item gets another value. */
  changes = 0
  #sparse: Map<number, number> | null = new Map()
  #codes = new Uint32Array(0)
  readonly #values: (KeptValue | null)[] = [null]
  #itemsOf = new Uint32Array(64)
  #dates = new Float64Array(0)
  readonly #free: number[] = []
  readonly #scalars = new Map<Scalar, number>()
  readonly #arrays = new Map<string, number>()
  readonly #containing = new Map<string, Containing>()

  code(item: number): number {
    if (this.#sparse !== null) return this.#sparse.get(item) ?? 0
    return item < this.#codes.length ? (this.#codes[item] as number) : 0
  }

  /** Sets the value of an item; null removes it. `items` is the number of items there are. */
  set(item: number, value: Json, items: number): void {
    const keep = kept(value)
    const before = this.code(item)
    const code = keep === null ? 0 : this.#codeOf(keep)
    if (code === before) return
    if (code !== 0) this.#count(code, 1)
    if (before !== 0) this.#count(before, -1)
    this.#write(item, code, items)
  }

  /** The value as it is kept; null when there is none. */
  value(item: number): Json {
    const value = this.#values[this.code(item)] ?? null
    return typeof value === 'object' ? value && [...value] : value
  }

  /** The value as a number, NaN when it is none. */
  number(item: number): number {
    const value = this.#values[this.code(item)]
    return typeof value === 'number' ? value : Number.NaN
  }

  /** The value as milliseconds since 1970, NaN when it is no date. */
  date(item: number): number {
    const code = this.code(item)
    if (code === 0) return Number.NaN
    this.#dates = grownFloat64(this.#dates, this.#values.length, DATE_UNKNOWN)
    const known = this.#dates[code] as number
    if (known !== DATE_UNKNOWN) return known
    const value = this.#values[code]
    const date = typeof value === 'string' || typeof value === 'number' ? dateOf(value) : Number.NaN
    this.#dates[code] = date
    return date
  }

  /** The codes of all values that stand for one of the texts, each scalar's once. */
  match(texts: readonly string[]): CodeMatch {
    const scalars: number[] = []
    const arrays: ReadonlySet<number>[] = []
    for (const text of new Set(texts)) {
      const key = shorten(text)
      for (const scalar of this.#scalarsOf(key)) scalars.push(scalar)
      const containing = this.#containing.get(key)
      if (containing !== undefined) arrays.push(containing.codes)
    }
    return { scalars, arrays }
  }

  /** How many items a rule with this text matches. */
  itemsWith(text: string): number {
    const key = shorten(text)
    let items = this.#containing.get(key)?.items ?? 0
    for (const code of this.#scalarsOf(key)) items += this.#itemsOf[code] as number
    return items
  }

  /** Calls `visit` with each item that matches. */
  forEachItem(match: CodeMatch, visit: (item: number) => void): void {
    if (this.#sparse === null && match.arrays.length === 0 && match.scalars.length <= FEW_CODES) {
      for (const code of match.scalars) this.#forEachOf(code, visit)
      return
    }
    const wanted = new Uint8Array(this.#values.length)
    for (const code of match.scalars) wanted[code] = 1
    for (const codes of match.arrays) for (const code of codes) wanted[code] = 1
    if (this.#sparse !== null) {
      for (const [item, code] of this.#sparse) if (wanted[code] === 1) visit(item)
      return
    }
    const codes = this.#codes
    for (let item = 0; item < codes.length; item++) {
      if (wanted[codes[item] as number] === 1) visit(item)
    }
  }

  forEachWithValue(visit: (item: number) => void): void {
    if (this.#sparse !== null) {
      for (const item of this.#sparse.keys()) visit(item)
      return
    }
    const codes = this.#codes
    for (let item = 0; item < codes.length; item++) if (codes[item] !== 0) visit(item)
  }

  #forEachOf(code: number, visit: (item: number) => void): void {
    let item = -1
    for (let left = this.#itemsOf[code] as number; left > 0; left--) {
      item = this.#codes.indexOf(code, item + 1)
      visit(item)
    }
  }

  #scalarsOf(key: string): number[] {
    const codes: number[] = []
    const add = (value: Scalar): void => {
      const code = this.#scalars.get(value)
      if (code !== undefined) codes.push(code)
    }
    add(key)
    if (key === 'true' || key === 'false') add(key === 'true')
    const number = Number(key)
    if (String(number) === key) add(number)
    return codes
  }

  #codeOf(value: KeptValue): number {
    if (typeof value === 'object') {
      const key = JSON.stringify(value)
      return this.#arrays.get(key) ?? this.#newArray(key, value)
    }
    return this.#scalars.get(value) ?? this.#newScalar(value)
  }

  #newScalar(value: Scalar): number {
    const code = this.#newCode(value)
    this.#scalars.set(value, code)
    return code
  }

  #newArray(key: string, texts: readonly string[]): number {
    const code = this.#newCode(texts)
    this.#arrays.set(key, code)
    for (const text of texts) {
      const containing = this.#containing.get(text) ?? { codes: new Set(), items: 0 }
      containing.codes.add(code)
      this.#containing.set(text, containing)
    }
    return code
  }

  #newCode(value: KeptValue): number {
    const code = this.#free.pop() ?? this.#values.length
    this.#values[code] = value
    this.#itemsOf = grownUint32(this.#itemsOf, code + 1)
    if (code < this.#dates.length) this.#dates[code] = DATE_UNKNOWN
    return code
  }

  #count(code: number, by: 1 | -1): void {
    const value = this.#values[code] as KeptValue
    const items = (this.#itemsOf[code] as number) + by
    this.#itemsOf[code] = items
    this.values += typeof value === 'object' ? by * value.length : by
    if (typeof value === 'object') {
      for (const text of value) (this.#containing.get(text) as Containing).items += by
    }
    if (items > 0) return
    this.#values[code] = null
    this.#free.push(code)
    if (typeof value !== 'object') this.#scalars.delete(value)
    else this.#forgetArray(code, value)
  }

  #forgetArray(code: number, texts: readonly string[]): void {
    this.#arrays.delete(JSON.stringify(texts))
    for (const text of texts) {
      const containing = this.#containing.get(text) as Containing
      containing.codes.delete(code)
      if (containing.codes.size === 0) this.#containing.delete(text)
    }
  }

  #write(item: number, code: number, items: number): void {
    this.changes++
    const before = this.code(item)
    this.size += (code === 0 ? 0 : 1) - (before === 0 ? 0 : 1)
    if (this.#sparse !== null) {
      if (code === 0) this.#sparse.delete(item)
      else this.#sparse.set(item, code)
      if (this.#sparse.size * SPARSE_SHARE > items) this.#makeDense(items)
      return
    }
    this.#codes = grownUint32(this.#codes, item + 1)
    this.#codes[item] = code
  }

  #makeDense(items: number): void {
    this.#codes = new Uint32Array(Math.max(items, 64))
    for (const [item, code] of this.#sparse ?? []) this.#codes[item] = code
    this.#sparse = null
  }
}

/** True when the item's value is one of the matched ones. */
export function matches(column: PropertyColumn, match: CodeMatch, item: number): boolean {
  const code = column.code(item)
  if (code === 0) return false
  for (const scalar of match.scalars) if (scalar === code) return true
  for (const codes of match.arrays) if (codes.has(code)) return true
  return false
}
