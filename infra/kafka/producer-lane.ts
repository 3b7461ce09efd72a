// The way of appends to the brokers. One group is under way at any time, and what arrives meanwhile is the next one. A lone
// append goes at once; under load groups begin at least a few milliseconds apart, because each costs as much as hundreds of
// records. A group that failed is sent again as it was, by the same producer, so that the broker knows what it has already.
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

export interface ProducerLaneOptions {
  readonly clock: Clock
  /** Sends a group; resolves with the first offset of each partition. */
  readonly send: (parts: readonly ProducePart[]) => Promise<ReadonlyMap<number, number>>
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
      try {
        answer(group, await sendGroup(options, closing.signal, partsOf(group)))
      } catch (error) {
        for (const { reject } of group) reject(error)
      }
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

function answer(group: readonly Append[], first: ReadonlyMap<number, number>): void {
  const next = new Map(first)
  for (const { partition, values, resolve, reject } of group) {
    const offset = next.get(partition)
    if (offset === undefined || offset < 0) {
      const reason = `the broker did not say where partition ${partition} has the records`
      reject(new MillraceError('LOG_UNAVAILABLE', { reason }))
      continue
    }
    next.set(partition, offset + values.length)
    resolve(offset)
  }
}

/** Sends a group until it went through. @throws MillraceError when it is refused, given up or the lane is closing */
async function sendGroup(
  options: ProducerLaneOptions,
  closing: AbortSignal,
  parts: readonly ProducePart[],
): Promise<ReadonlyMap<number, number>> {
  const { clock, send, remedy, renew, toError, onTrouble } = options
  const giveUpAt = clock.monotonic() + GIVE_UP_MS
  let pause = PAUSE_FIRST_MS
  let spent = false
  for (;;) {
    try {
      if (spent) await renew()
      spent = false
      const offsets = await send(parts)
      if (pause > PAUSE_FIRST_MS) onTrouble(null)
      return offsets
    } catch (error) {
      const failure = toError(error)
      if (pause === PAUSE_FIRST_MS) onTrouble(failure)
      const what = remedy(error)
      const over = closing.aborted || clock.monotonic() >= giveUpAt
      if (what === 'refuse' || over) throw failure
      spent ||= what === 'renew'
      await clock.sleep(pause, closing)
      pause = Math.min(PAUSE_LONGEST_MS, pause * 2)
    }
  }
}
