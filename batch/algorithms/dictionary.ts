/** Numbers strings 0, 1, 2, … in the order in which they are first met. */
export class Dictionary {
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = []

  get size(): number {
    return this.#texts.length
  }

  /** All texts, by number. */
  get texts(): readonly string[] {
    return this.#texts
  }

  /** The number of a text; a new one gets the next. */
  add(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#texts.length
    this.#numbers.set(text, number)
    this.#texts.push(text)
    return number
  }

  text(number: number): string {
    return this.#texts[number] as string
  }

  /** For each number its place among the texts sorted by UTF-16 unit. */
  ranks(): Uint32Array {
    const order = Uint32Array.from(this.#texts.keys())
    const texts = this.#texts
    order.sort((a, b) => ((texts[a] as string) < (texts[b] as string) ? -1 : 1))
    const ranks = new Uint32Array(order.length)
    for (let place = 0; place < order.length; place++) ranks[order[place] as number] = place
    return ranks
  }
}
