// The best k of the documents offered: a heap with the worst of them at its root.

export interface TopEntry {
  readonly item: number
  readonly score: number
}

export class Top {
  /** The score that a document must at least reach to have a chance. */
  floor = Number.NEGATIVE_INFINITY
  readonly #capacity: number
  readonly #compare: (a: number, b: number) => number
  readonly #items: number[] = []
  readonly #scores: number[] = []

  /** `compare` orders items of equal score. */
  constructor(capacity: number, compare: (a: number, b: number) => number) {
    this.#capacity = capacity
    this.#compare = compare
    if (capacity === 0) this.floor = Number.POSITIVE_INFINITY
  }

  get full(): boolean {
    return this.#items.length === this.#capacity
  }

  /** True when this document would be among the best. */
  takes(item: number, score: number): boolean {
    if (!this.full) return true
    if (score !== this.floor) return score > this.floor
    return this.#capacity > 0 && this.#compare(item, this.#items[0] as number) < 0
  }

  /** Adds a document that `takes` has let in. */
  add(item: number, score: number): void {
    if (!this.full) {
      this.#items.push(item)
      this.#scores.push(score)
      this.#rise(this.#items.length - 1)
    } else {
      this.#items[0] = item
      this.#scores[0] = score
      this.#sink(0)
    }
    if (this.full) this.floor = this.#scores[0] as number
  }

  /** Best first. */
  sorted(): TopEntry[] {
    const entries = this.#items.map((item, i) => ({ item, score: this.#scores[i] as number }))
    return entries.sort((a, b) => b.score - a.score || this.#compare(a.item, b.item))
  }

  /** True when the entry at `a` is worse than the one at `b`. */
  #worse(a: number, b: number): boolean {
    const left = this.#scores[a] as number
    const right = this.#scores[b] as number
    if (left !== right) return left < right
    return this.#compare(this.#items[a] as number, this.#items[b] as number) > 0
  }

  #rise(from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >>> 1
      if (!this.#worse(place, parent)) return
      this.#swap(place, parent)
      place = parent
    }
  }

  #sink(from: number): void {
    let place = from
    for (;;) {
      const left = 2 * place + 1
      const right = left + 1
      let worst = place
      if (left < this.#items.length && this.#worse(left, worst)) worst = left
      if (right < this.#items.length && this.#worse(right, worst)) worst = right
      if (worst === place) return
      this.#swap(place, worst)
      place = worst
    }
  }

  #swap(a: number, b: number): void {
    const item = this.#items[a] as number
    const score = this.#scores[a] as number
    this.#items[a] = this.#items[b] as number
    this.#scores[a] = this.#scores[b] as number
    this.#items[b] = item
    this.#scores[b] = score
  }
}
