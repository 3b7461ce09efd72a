/** The best `size` of the pairs offered: value descending, equal values by the smaller term. A heap, the worst on top. */
export class TopList {
  readonly size: number
  readonly values: Float64Array
  readonly terms: Uint32Array
  length = 0
  /** Least value worth offering; 0 while there is room. */
  least = 0

  constructor(size: number) {
    this.size = size
    this.values = new Float64Array(size)
    this.terms = new Uint32Array(size)
  }

  clear(): void {
    this.length = 0
    this.least = 0
  }

  offer(value: number, term: number): void {
    if (this.length < this.size) {
      this.#rise(this.length++, value, term)
      if (this.length === this.size) this.least = this.values[0] as number
      return
    }
    if (!this.#isWorse(0, value, term)) return
    this.#sink(0, this.length, value, term)
    this.least = this.values[0] as number
  }

  /** Puts the best first; the list must be cleared before the next offer. */
  sort(): void {
    for (let end = this.length - 1; end > 0; end--) {
      const value = this.values[end] as number
      const term = this.terms[end] as number
      this.values[end] = this.values[0] as number
      this.terms[end] = this.terms[0] as number
      this.#sink(0, end, value, term)
    }
  }

  /** True when what stands at `place` is worse than the pair. */
  #isWorse(place: number, value: number, term: number): boolean {
    const there = this.values[place] as number
    return there < value || (there === value && (this.terms[place] as number) > term)
  }

  #rise(from: number, value: number, term: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#isWorse(parent, value, term)) break
      this.values[place] = this.values[parent] as number
      this.terms[place] = this.terms[parent] as number
      place = parent
    }
    this.values[place] = value
    this.terms[place] = term
  }

  #sink(from: number, length: number, value: number, term: number): void {
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= length) break
      const other = child + 1
      if (
        other < length &&
        this.#isWorse(other, this.values[child] as number, this.terms[child] as number)
      ) {
        child = other
      }
      if (!this.#isWorse(child, value, term)) break
      this.values[place] = this.values[child] as number
      this.terms[place] = this.terms[child] as number
      place = child
    }
    this.values[place] = value
    this.terms[place] = term
  }
}
