// Rankings that are counted: events by target in equal parts of a window of time. Repeats count, as each is one event.
//
//   popular    one part       its events
//   trending   two halves     newer − older; targets with events in both
//   hot        three thirds   (newest − middle) − (middle − oldest); targets with events in all three

export interface Window {
  /** Event times from `start` to before `end`, milliseconds. */
  readonly start: number
  readonly end: number
}

export type CountedType = 'popular' | 'trending' | 'hot'

const PARTS: Readonly<Record<CountedType, number>> = { popular: 1, trending: 2, hot: 3 }

export class RankingCounter {
  readonly #type: CountedType
  readonly #start: number
  readonly #end: number
  /** Whole milliseconds of every part but the last, which has the rest of the window too. */
  readonly #part: number
  /** By part, oldest first, then by target. */
  readonly #counts: Float64Array[]

  constructor(type: CountedType, { start, end }: Window) {
    this.#type = type
    this.#start = start
    this.#end = end
    const parts = PARTS[type]
    this.#part = Math.floor((end - start) / parts)
    this.#counts = Array.from({ length: parts }, () => new Float64Array(1024))
  }

  add(target: number, time: number): void {
    if (time < this.#start || time >= this.#end) return
    const last = this.#counts.length - 1
    const part = Math.min(last, Math.floor((time - this.#start) / this.#part))
    let counts = this.#counts[part] as Float64Array
    if (target >= counts.length) {
      const grown = new Float64Array(Math.max(target + 1, counts.length * 2))
      grown.set(counts)
      counts = grown
      this.#counts[part] = grown
    }
    counts[target] = (counts[target] as number) + 1
  }

  /** The value of a target; NaN where it has none. */
  value(target: number): number {
    const first = this.#counts[0]?.[target] ?? 0
    const second = this.#counts[1]?.[target] ?? 0
    const third = this.#counts[2]?.[target] ?? 0
    if (this.#type === 'popular') return first > 0 ? first : Number.NaN
    if (this.#type === 'trending') return first > 0 && second > 0 ? second - first : Number.NaN
    const inAll = first > 0 && second > 0 && third > 0
    return inAll ? third - second - (second - first) : Number.NaN
  }
}
