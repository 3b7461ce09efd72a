// Reading a topic as a log: from what long polls brought, else by a fetch of its own.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { LogBatch, LogReader } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import { ORIGIN_GENERATION } from '#schemas/position'
import { kafkaError, outOfRangePartition } from './errors.ts'
import { createGatheredFetches, type FetchNow } from './gathered-fetches.ts'
import { createPoller, type PartitionState, type Poller } from './poller.ts'
import type { ReadConnection } from './read-connection.ts'
import { RecordRun } from './record-run.ts'
import { createSharedQuestion } from './shared-question.ts'

/** Polls begin so far apart under load, unless a reader can wait longer. */
const PACE_MS = 5
/** A poll that reached the end so recently, beside the pace, answers for the broker, unless a later end is known. */
const FRESH_MS = 5
/** Bytes fetched of a partition at least: the rest is kept for the next reads. */
const FETCH_BYTES = 256 * 1024

export interface TopicReader extends LogReader {
  /** An append was acknowledged: the partition ends at `end` or later. */
  moveEnd(partition: number, end: number): void
}

export interface TopicReaderOptions {
  readonly topic: string
  readonly connection: ReadConnection
  readonly partitions: number
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Milliseconds between polls under load: more of them cost less CPU, and delay records by as much. */
  readonly paceMs?: number
}

/** Reads a topic of one generation. Closing it closes the connection. */
export function createTopicReader(options: TopicReaderOptions): TopicReader {
  return new PolledTopic(options)
}

class PolledTopic implements TopicReader {
  readonly generation = ORIGIN_GENERATION
  readonly partitions: number
  readonly #connection: ReadConnection
  readonly #clock: Clock
  readonly #freshMs: number
  readonly #states: readonly PartitionState[]
  readonly #poller: Poller
  readonly #fetch: FetchNow
  readonly #ends: () => Promise<readonly number[]>
  readonly #starts: () => Promise<readonly number[]>
  #closed = false

  constructor(options: TopicReaderOptions) {
    const { connection, clock, partitions, paceMs = PACE_MS } = options
    this.#freshMs = paceMs + FRESH_MS
    this.partitions = partitions
    this.#connection = connection
    this.#clock = clock
    this.#states = Array.from({ length: partitions }, newState)
    this.#poller = createPoller({ ...options, paceMs, partitions: this.#states })
    this.#fetch = createGatheredFetches(connection)
    const all = [...this.#states.keys()]
    this.#ends = createSharedQuestion(() => connection.offsets(all, 'end'))
    this.#starts = createSharedQuestion(() => connection.offsets(all, 'start'))
  }

  async end(partition: number): Promise<number> {
    const state = this.#state(partition)
    if (!this.#closed) this.moveEnd(partition, await answerOf(this.#ends(), partition))
    return state.end
  }

  async start(partition: number): Promise<number> {
    this.#state(partition)
    return answerOf(this.#starts(), partition)
  }

  async read(partition: number, from: number, maxBytes: number): Promise<LogBatch> {
    const state = this.#state(partition)
    if (this.#closed) throw new MillraceError('LOG_UNAVAILABLE', { reason: 'it is closed' })
    const now = this.#clock.monotonic()
    state.readAt = now
    const held = state.run?.take(from, maxBytes) ?? null
    if (held !== null) {
      this.#poller.kick()
      return held
    }
    if (this.#isAtEnd(state, from, now)) return { records: [], next: from }
    return this.#fetched(partition, from, maxBytes)
  }

  /** True when nothing was at `from` a moment ago, as a poll has just said, or does not say as long as it waits. */
  #isAtEnd({ run, end, polledFrom, reachedEndAt }: PartitionState, from: number, now: number) {
    if (run?.next !== from || from < end) return false
    return polledFrom === from || now - reachedEndAt < this.#freshMs
  }

  async #fetched(partition: number, from: number, maxBytes: number): Promise<LogBatch> {
    try {
      const wanted = { partition, from, maxBytes: Math.max(maxBytes, FETCH_BYTES) }
      const fetched = await this.#fetch(wanted)
      const run = new RecordRun(from)
      run.extend(from, fetched)
      this.#state(partition).run = run
      this.moveEnd(partition, fetched.end)
      this.#poller.kick()
      return run.take(from, maxBytes) ?? { records: [], next: from }
    } catch (error) {
      if (outOfRangePartition(error) !== partition) throw kafkaError(error)
    }
    // Behind the end there is nothing; before the start there was.
    const start = await this.start(partition)
    if (from < start) throw new MillraceError('LOG_TRIMMED', { from, start })
    return { records: [], next: from }
  }

  async waitFor(partition: number, offset: number, signal: AbortSignal): Promise<void> {
    const state = this.#state(partition)
    if (this.#closed || signal.aborted || state.end > offset) return
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        state.waiters.delete(waiter)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const waiter = { offset, wake }
      state.waiters.add(waiter)
      signal.addEventListener('abort', wake, { once: true })
      state.run ??= new RecordRun(offset)
      this.#poller.kick()
    })
  }

  moveEnd(partition: number, end: number): void {
    this.#poller.moveEnd(partition, end)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const { waiters } of this.#states) for (const { wake } of [...waiters]) wake()
    await this.#poller.close()
    await this.#connection.close()
  }

  #state(partition: number): PartitionState {
    const state = this.#states[partition]
    if (state === undefined) throw new RangeError(`the log has no partition ${partition}`)
    return state
  }
}

function newState(): PartitionState {
  const never = Number.NEGATIVE_INFINITY
  return {
    end: 0,
    run: null,
    readAt: never,
    reachedEndAt: never,
    polledFrom: -1,
    waiters: new Set(),
  }
}

async function answerOf(answer: Promise<readonly number[]>, partition: number): Promise<number> {
  try {
    return (await answer)[partition] as number
  } catch (error) {
    throw kafkaError(error)
  }
}
