/** Counts events by target: the ranking `popular`. Repeats count, as each is one event. */
export class PopularCounter {
  /** Window of event times, half-open, milliseconds. */
  readonly #start: number
  readonly #end: number
  #counts = new Float64Array(1024)

  constructor(window: { readonly start: number; readonly end: number }) {
    this.#start = window.start
    this.#end = window.end
  }

  add(target: number, time: number): void {
    if (time < this.#start || time >= this.#end) return
    if (target >= this.#counts.length) {
      const counts = new Float64Array(Math.max(target + 1, this.#counts.length * 2))
      counts.set(this.#counts)
      this.#counts = counts
    }
    this.#counts[target] = (this.#counts[target] as number) + 1
  }

  /** Events of a target; 0 when there are none. */
  count(target: number): number {
    return this.#counts[target] ?? 0
  }
}
