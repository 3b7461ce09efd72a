import { murmur3 } from '#schemas/hashes'

/** Targets in the window of a ranking `random`; its values look like chance, and depend on seed and id alone. */
export class RandomRanking {
  readonly #start: number
  readonly #end: number
  readonly #seed: number
  readonly #known = new Set<number>()

  constructor(seed: number, window: { readonly start: number; readonly end: number }) {
    this.#start = window.start
    this.#end = window.end
    this.#seed = seed
  }

  add(target: number, time: number): void {
    if (time >= this.#start && time < this.#end) this.#known.add(target)
  }

  /** Takes a target whatever its time: an item with properties. */
  know(target: number): void {
    this.#known.add(target)
  }

  /** From 0 to below 1; NaN for a target that was not met. */
  value(target: number, id: string): number {
    return this.#known.has(target) ? murmur3(id, this.#seed) / 2 ** 32 : Number.NaN
  }
}
