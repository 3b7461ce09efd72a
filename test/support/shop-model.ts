// The seeded shop behind `shop.ts`: users, categories and styles with taste vectors, and sessions of what users do. All
// arithmetic is + - * / and 32-bit integer mixing, so the same numbers come out on every machine.
//
// A session picks a category c, then each view in it a style s of that category and an item i of that style, with
//     P(i | u) = P(c | u) * P(s | u, c) * P(i | s)
//     P(c | u) ~ exp(1.2 * u.c) * categoryWeight    P(s | u, c) ~ exp(u.s)    P(i | s) ~ 1 / (rank + 1)
// A fifth of the views is noise (any item); carts, likes and purchases follow only from the others, with chances that do
// not depend on the item. So P(i | u) is exactly the chance that a purchase of u is i.

const DIMENSIONS = 6
const STYLES = 6
const NOISE = 0.2

/** Mulberry32 over a seed mixed from any integers: one independent stream for each combination. */
export class Random {
  #state: number
  constructor(...parts: number[]) {
    let h = 0x9e3779b9
    for (const p of parts) {
      h = Math.imul(h ^ (p >>> 0), 0x85ebca6b)
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
      h ^= h >>> 16
    }
    this.#state = h >>> 0
  }
  integer(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  next(): number {
    return this.integer() / 4294967296
  }
  below(n: number): number {
    return Math.floor(this.next() * n)
  }
  /** Nearly normal: the sum of twelve uniforms. */
  normal(): number {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += this.next()
    return sum
  }
  vector(): Float64Array {
    return Float64Array.from({ length: DIMENSIONS }, () => this.normal() * 0.6)
  }
}

/** e^x by repeated squaring: products only, hence the same on every machine. */
function exp(x: number): number {
  let y = 1 + x / 1024
  for (let i = 0; i < 10; i++) y *= y
  return y
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < DIMENSIONS; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

function normalise(weights: number[]): number[] {
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map((w) => w / total)
}

export function pick(chances: number[], from: number): number {
  let x = from
  let i = 0
  while (i < chances.length - 1 && x >= (chances[i] as number)) x -= chances[i++] as number
  return i
}
export type Style = { name: string; vector: Float64Array; items: number[] }
export type Category = { name: string; vector: Float64Array; weight: number; styles: Style[] }

export class Shop {
  readonly seed: number
  readonly users: number
  readonly items: number
  readonly categories: Category[]
  readonly #harmonic: Float64Array

  constructor(seed: number, users: number, items: number, categories: number) {
    this.seed = seed
    this.users = users
    this.items = items
    this.categories = Array.from({ length: categories }, (_, c) => {
      const random = new Random(seed, 1, c)
      const name = `category-${c}`
      const styles = Array.from({ length: STYLES }, (_, s) => ({
        name: `${name}-style-${s}`,
        vector: random.vector(),
        items: [],
      }))
      return { name, vector: random.vector(), weight: 0.5 + random.next(), styles }
    })
    for (let i = 0; i < items; i++) this.styleOf(i).items.push(i)
    this.#harmonic = new Float64Array(Math.ceil(items / (categories * STYLES)) + 2)
    for (let r = 1; r < this.#harmonic.length; r++)
      this.#harmonic[r] = (this.#harmonic[r - 1] as number) + 1 / r
  }

  styleOf(item: number): Style {
    const n = item % (this.categories.length * STYLES)
    return (this.categories[Math.floor(n / STYLES)] as Category).styles[n % STYLES] as Style
  }

  categoryOf(item: number): Category {
    const n = item % (this.categories.length * STYLES)
    return this.categories[Math.floor(n / STYLES)] as Category
  }

  tasteOf(user: number): Float64Array {
    return new Random(this.seed, 2, user).vector()
  }

  /** P(c | u); categories without items are never chosen. */
  categoryChances(taste: Float64Array): number[] {
    return normalise(
      this.categories.map((c) =>
        (c.styles[0] as Style).items.length ? c.weight * exp(1.2 * dot(taste, c.vector)) : 0,
      ),
    )
  }

  /** P(s | u, c) */
  styleChances(taste: Float64Array, category: Category): number[] {
    return normalise(category.styles.map((s) => (s.items.length ? exp(dot(taste, s.vector)) : 0)))
  }

  /** An item of a style, the first one twice as likely as the second. */
  item(style: Style, random: Random): number {
    const x = random.next() * (this.#harmonic[style.items.length] as number)
    let low = 1
    let high = style.items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#harmonic[middle] as number) > x) high = middle
      else low = middle + 1
    }
    return style.items[low - 1] as number
  }

  truth(user: number, k: number): { item: string; p: number }[] {
    const taste = this.tasteOf(user)
    const categories = this.categoryChances(taste)
    const all: { item: number; p: number }[] = []
    for (const [c, category] of this.categories.entries()) {
      if (categories[c] === 0) continue
      const styles = this.styleChances(taste, category)
      for (const [n, style] of category.styles.entries()) {
        const chance = (categories[c] as number) * (styles[n] as number)
        const total = this.#harmonic[style.items.length] as number
        for (const [r, item] of style.items.slice(0, k).entries()) {
          all.push({ item, p: chance / ((r + 1) * total) })
        }
      }
    }
    all.sort((a, b) => b.p - a.p || a.item - b.item)
    return all
      .slice(0, k)
      .map(({ item, p }) => ({ item: `item-${item}`, p: Number(p.toPrecision(9)) }))
  }
}

export interface Sessions {
  readonly shop: Shop
  readonly total: number
  readonly start: number
  readonly span: number
}

/** What a user does: event, user, target, more properties as JSON text, time. */
export type Act = (
  event: string,
  user: number,
  target: string | number,
  properties: string,
  time: number,
) => void

/** One session after the other until there are `total` interactions; yields after each session. */
export function* sessions({ shop, total, start, span }: Sessions, tell: Act): Generator<void> {
  const { seed, users, items } = shop
  let count = 0
  for (let session = 0; count < total; session++) {
    const random = new Random(seed, 5, session)
    const x = random.next()
    // Some users come more often than others.
    const user = Math.floor(users * x * (0.4 + 0.6 * x))
    const taste = shop.tasteOf(user)
    const category = shop.categories[pick(shop.categoryChances(taste), random.next())] as Category
    const styles = shop.styleChances(taste, category)
    let time = start + Math.floor((span * count) / total)
    const act = (event: string, target: string | number, properties = ''): void => {
      if (count++ < total) tell(event, user, target, properties, time)
      time += 1000 * (5 + random.below(60))
    }
    if (random.next() < 0.15) act('category-pref', category.name)
    do {
      const style = category.styles[pick(styles, random.next())] as Style
      const noise = random.next() < NOISE
      const item = noise ? random.below(items) : shop.item(style, random)
      if (!noise && random.next() < 0.12) act('search', style.name)
      act('view', item)
      if (noise) continue
      if (random.next() < 0.08) act('like', item)
      if (random.next() < 0.3) {
        act('add-to-cart', item, `"properties":{"quantity":${1 + random.below(3)}},`)
        if (random.next() < 0.5) act('purchase', item)
      }
    } while (random.next() < 0.7)
    yield
  }
}
