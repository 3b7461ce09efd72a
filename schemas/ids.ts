// Ids we make: UUIDv7 as 32 hex digits, ascending inside one process even when the clock stands still or steps back.
import { createHash, randomFillSync } from 'node:crypto'

const HEX = Array.from({ length: 65536 }, (_, i) => i.toString(16).padStart(4, '0'))
const hex = (n: number): string => HEX[n & 0xffff] as string

/** One above the highest counter that fits into an id. */
const COUNTER_END = 2 ** 26

/** Limit of every id a client may give, in UTF-8 bytes. */
export const ID_BYTES_MAX = 1024

export type IdSource = (now: number) => string

/**
 * A source of UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, a 26-bit counter seeded at random each millisecond, 48
 * random bits. The package `uuidv7` costs six times as much a call and gives the same text. `counterEnd` is for tests: one
 * above the highest counter of a millisecond.
 */
export function createIdSource(
  fill: (pool: Uint16Array) => void = randomFillSync,
  counterEnd = COUNTER_END,
): IdSource {
  const pool = new Uint16Array(4096)
  let next = pool.length
  let lastMs = 0
  let counter = 0
  const draw = (): number => pool[next++] ?? 0
  return (now) => {
    if (next + 4 > pool.length) {
      fill(pool)
      next = 0
    }
    // When the clock stands still for long, or steps back far, the ids run ahead of it.
    if (now > lastMs || ++counter === counterEnd) {
      lastMs = Math.max(now, lastMs + 1)
      counter = draw() & 0x3fff
    }
    const high = Math.floor(lastMs / 65536)
    return (
      hex(Math.floor(high / 65536)) +
      hex(high) +
      hex(lastMs % 65536) +
      hex(0x7000 | ((counter >>> 14) & 0xfff)) +
      hex(0x8000 | (counter & 0x3fff)) +
      hex(draw()) +
      hex(draw()) +
      hex(draw())
    )
  }
}

/** A stable event id from parts (an Idempotency-Key and a place, or a job and a line): 32 hex digits of SHA-256. */
export function derivedId(...parts: readonly (string | number)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${String(part).length}:${part};`)
  return hash.digest('hex').slice(0, 32)
}
