// Stable sort of item numbers by a number each, largest first and NaN last, in slices. A comparison sort of a million items
// would hold the thread for a second; this passes over them once for each 16 bits in which their values differ.
import type { Steps } from './steps.ts'

const DIGITS = 1 << 16

/** Sorts `items` in place by `values`, descending; equal ones keep their order. */
export function* sortByValue(items: Uint32Array, values: Float64Array): Steps<void> {
  const count = items.length
  const keys = new Uint16Array(new Float64Array(count).buffer)
  descendingKeys(items, values, keys)
  yield
  let from = Uint32Array.from({ length: count }, (_, i) => i)
  let to = new Uint32Array(count)
  for (let digit = 0; digit < 4; digit++) {
    const starts = digitStarts(keys, digit, count)
    if (starts === null) continue
    for (let i = 0; i < count; i++) {
      const place = from[i] as number
      const bucket = keys[place * 4 + digit] as number
      const next = starts[bucket] as number
      starts[bucket] = next + 1
      to[next] = place
    }
    ;[from, to] = [to, from]
    yield
  }
  for (let i = 0; i < count; i++) to[i] = items[from[i] as number] as number
  items.set(to)
}

/**
 * The bits of a double order like the number once negative ones are turned round; all turned round again so that the
 * largest comes first. Four 16-bit digits each, the least significant first.
 */
function descendingKeys(items: Uint32Array, values: Float64Array, keys: Uint16Array): void {
  const float = new Float64Array(1)
  const words = new Uint32Array(float.buffer)
  const out = new Uint32Array(keys.buffer)
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as number
    const value = item < values.length ? (values[item] as number) : Number.NaN
    if (Number.isNaN(value)) {
      out[2 * i] = 0xffffffff
      out[2 * i + 1] = 0xffffffff
      continue
    }
    float[0] = value + 0 // -0 and 0 are equal
    const low = words[0] as number
    const high = words[1] as number
    const negative = high >>> 31 === 1
    out[2 * i] = negative ? low : ~low
    out[2 * i + 1] = negative ? high : ~(high | 0x80000000)
  }
}

/** First place of each digit value, or null when all have the same. */
function digitStarts(keys: Uint16Array, digit: number, count: number): Uint32Array | null {
  const starts = new Uint32Array(DIGITS + 1)
  for (let i = 0; i < count; i++) {
    const next = (keys[i * 4 + digit] as number) + 1
    starts[next] = (starts[next] as number) + 1
  }
  if (count === 0 || starts[(keys[digit] as number) + 1] === count) return null
  for (let i = 0; i < DIGITS; i++) {
    starts[i + 1] = (starts[i + 1] as number) + (starts[i] as number)
  }
  return starts
}
