// How many events an access key may send: a token bucket a key. A request takes one token for each event it holds, good or
// not, and a deletion takes one; it is admitted whole or refused whole (429 ADMISSION_LIMITED), and a refused one takes
// nothing. A bucket fills at the rate and holds one second of it, but never less than the largest batch, so that every
// batch can be admitted some time.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'

export interface Rate {
  /** Events a second. */
  readonly perSecond: number
  /** Tokens of a full bucket. */
  readonly capacity: number
}

export interface Bucket {
  readonly tokens: number
  /** When it held them: milliseconds of the monotonic clock. */
  readonly at: number
}

/** Admitted: the bucket after it. Refused: how long until there are enough tokens, if nobody else takes them. */
export type Admitted =
  | { readonly ok: true; readonly bucket: Bucket }
  | { readonly ok: false; readonly waitMs: number }

/** What many small refills may have lost of a token. */
const ROUNDING = 1e-6

/** Takes `tokens` of a bucket at a time. Pure; undefined is a full bucket. */
export function takeTokens(
  bucket: Bucket | undefined,
  tokens: number,
  now: number,
  rate: Rate,
): Admitted {
  const { perSecond, capacity } = rate
  const held =
    bucket === undefined
      ? capacity
      : Math.min(capacity, bucket.tokens + ((now - bucket.at) * perSecond) / 1000)
  if (tokens <= held + ROUNDING) {
    return { ok: true, bucket: { tokens: Math.max(0, held - tokens), at: now } }
  }
  return { ok: false, waitMs: ((tokens - held) * 1000) / perSecond }
}

/** Buckets that are remembered; beyond that the full ones are forgotten, which changes nothing. */
const BUCKETS_MAX = 10_000

/** Null when the key may send so many events now, else the refusal; `retryAfter` of its details is in seconds. */
export type Admission = (key: string, events: number) => MillraceError | null

/** @param perSecond events a second and key; 0: no limit @param batchMax events of the largest batch */
export function createAdmission(perSecond: number, batchMax: number, clock: Clock): Admission {
  if (perSecond === 0) return () => null
  const rate: Rate = { perSecond, capacity: Math.max(perSecond, batchMax) }
  const buckets = new Map<string, Bucket>()

  function forgetFull(now: number): void {
    for (const [key, bucket] of buckets) {
      const left = takeTokens(bucket, rate.capacity, now, rate)
      if (left.ok) buckets.delete(key)
    }
  }

  return (key, events) => {
    const now = clock.monotonic()
    const admitted = takeTokens(buckets.get(key), events, now, rate)
    if (!admitted.ok) {
      const retryAfter = Math.max(1, Math.ceil(admitted.waitMs / 1000))
      return new MillraceError('ADMISSION_LIMITED', { limit: perSecond, retryAfter })
    }
    if (buckets.size >= BUCKETS_MAX && !buckets.has(key)) forgetFull(now)
    buckets.set(key, admitted.bucket)
    return null
  }
}
