// The way of appends to the brokers. One group is under way at any time, and what arrives meanwhile is the next one. A lone
// append goes at once; under load groups begin at least a few milliseconds apart, because each costs as much as hundreds of
// records. A part of a group that failed is sent again as it was, by the same producer, so that its broker knows what it has.
//
//   append ─▶ waiting ──(group done, pace)──▶ group ─▶ send ──▶ its appends resolve
//                                               ▲        └ failed: pause, the same again
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { ProducePart } from './client.ts'

/** Groups begin so far apart at least, unless one is full. */
const PACE_MS = 3
const GROUP_RECORDS = 500
const GROUP_BYTES = 1024 * 1024
/** Bytes that may wait before more are refused. */
const WAITING_BYTES_MAX = 256 * 1024 * 1024
/** A group without success for so long is given up: whether it is in the log is not known. */
const GIVE_UP_MS = 30_000
const PAUSE_FIRST_MS = 100
const PAUSE_LONGEST_MS = 1_000

/** What to do after a failure: the same again, the same by a new producer, or nothing. */
export type Remedy = 'again' | 'renew' | 'refuse'

export interface Sent {
  /** First offset of each part that all in-sync replicas have, by partition. */
  readonly stored: ReadonlyMap<number, number>
  /** Why there are parts that are not stored. */
  readonly failure: unknown
}

export interface ProducerLaneOptions {
  readonly clock: Clock
  /** Sends a group, or what of it is not stored yet. */
  readonly send: (parts: readonly ProducePart[]) => Promise<Sent>
  readonly remedy: (error: unknown) => Remedy
  /** Makes a new producer. */
  readonly renew: () => Promise<void>
  readonly toError: (error: unknown) => MillraceError
  /** Told of the first failure of a group, and null when a group went through again. */
  readonly onTrouble: (error: MillraceError | null) => void
}

export interface ProducerLane {
  /** Resolves with the offset of the first value. @throws MillraceError LOG_UNAVAILABLE, OVERLOADED */
  append(partition: number, values: readonly Uint8Array[]): Promise<number>
  /** Refuses further appends; resolves when those under way have ended. */
  close(): Promise<void>
}

interface Append extends ProducePart {
  readonly bytes: number
  readonly resolve: (offset: number) => void
  readonly reject: (error: unknown) => void
}

export function createProducerLane(options: ProducerLaneOptions): ProducerLane {
  const { clock } = options
  const closing = new AbortController()
  let waiting: Append[] = []
  /** Of what waits and of what is under way. */
  let unansweredBytes = 0
  let running: Promise<void> | null = null
  let wake: (() => void) | null = null
  let begunAt = Number.NEGATIVE_INFINITY

  /** Waits until the next group may begin: at once after a quiet time, or when it is full. */
  const pace = async (): Promise<void> => {
    // Requests that are read in this turn of the event loop share the group.
    await new Promise((resolve) => setImmediate(resolve))
    const rest = PACE_MS - (clock.monotonic() - begunAt)
    const enough = new AbortController()
    wake = () => {
      if (closing.signal.aborted || isFull(waiting)) enough.abort()
    }
    wake()
    if (rest > 0) await clock.sleep(rest, enough.signal)
    wake = null
  }
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      await pace()
      const { group, left } = nextGroup(waiting)
      waiting = left
      begunAt = clock.monotonic()
      answer(group, await sendGroup(options, closing.signal, partsOf(group)))
      for (const { bytes } of group) unansweredBytes -= bytes
    }
    running = null
  }
  return {
    append: (partition, values) =>
      new Promise((resolve, reject) => {
        if (closing.signal.aborted) {
          return reject(new MillraceError('LOG_UNAVAILABLE', { reason: 'it is closed' }))
        }
        const bytes = values.reduce((sum, value) => sum + value.length, 0)
        if (unansweredBytes > 0 && unansweredBytes + bytes > WAITING_BYTES_MAX) {
          return reject(new MillraceError('OVERLOADED', { limit: `${WAITING_BYTES_MAX} bytes` }))
        }
        unansweredBytes += bytes
        waiting.push({ partition, values, bytes, resolve, reject })
        wake?.()
        running ??= run()
      }),
    async close() {
      closing.abort()
      wake?.()
      await running
    },
  }
}

const isFull = (waiting: readonly Append[]): boolean => nextGroup(waiting).left.length > 0

/** As many whole appends as a group may hold, at least one. */
function nextGroup(waiting: readonly Append[]): { group: Append[]; left: Append[] } {
  let records = 0
  let bytes = 0
  let count = 0
  for (const append of waiting) {
    records += append.values.length
    bytes += append.bytes
    if (count > 0 && (records > GROUP_RECORDS || bytes > GROUP_BYTES)) break
    count++
  }
  return { group: waiting.slice(0, count), left: waiting.slice(count) }
}

/** The values by partition, in the order of the appends. */
function partsOf(group: readonly Append[]): ProducePart[] {
  const parts = new Map<number, Uint8Array[]>()
  for (const { partition, values } of group) {
    const part = parts.get(partition)
    if (part === undefined) parts.set(partition, [...values])
    else for (const value of values) part.push(value)
  }
  return [...parts].map(([partition, values]) => ({ partition, values }))
}

function answer(group: readonly Append[], { stored, failure }: Sent): void {
  const next = new Map(stored)
  for (const { partition, values, resolve, reject } of group) {
    const offset = next.get(partition)
    if (offset === undefined) {
      reject(failure)
      continue
    }
    next.set(partition, offset + values.length)
    resolve(offset)
  }
}

/** Sends a group until all of it went through, or the rest is refused, given up or the lane is closing. */
async function sendGroup(
  options: ProducerLaneOptions,
  closing: AbortSignal,
  parts: readonly ProducePart[],
): Promise<Sent> {
  const { clock, renew, toError, remedy, onTrouble } = options
  const giveUpAt = clock.monotonic() + GIVE_UP_MS
  const stored = new Map<number, number>()
  let pause = PAUSE_FIRST_MS
  let spent = false
  for (;;) {
    const left = parts.filter(({ partition }) => !stored.has(partition))
    const error = await sendOnce(options, spent ? renew : null, left, stored)
    if (left.every(({ partition }) => stored.has(partition))) {
      if (pause > PAUSE_FIRST_MS) onTrouble(null)
      return { stored, failure: null }
    }
    const failure = toError(error)
    if (pause === PAUSE_FIRST_MS) onTrouble(failure)
    const what = remedy(error)
    const over = closing.aborted || clock.monotonic() >= giveUpAt
    if (what === 'refuse' || over) return { stored, failure }
    spent = what === 'renew'
    await clock.sleep(pause, closing)
    pause = Math.min(PAUSE_LONGEST_MS, pause * 2)
  }
}

/** Notes what was stored; returns why the rest was not. */
async function sendOnce(
  { send }: ProducerLaneOptions,
  renew: (() => Promise<void>) | null,
  parts: readonly ProducePart[],
  stored: Map<number, number>,
): Promise<unknown> {
  try {
    await renew?.()
    const sent = await send(parts)
    for (const [partition, offset] of sent.stored) stored.set(partition, offset)
    return sent.failure
  } catch (error) {
    return error
  }
}
