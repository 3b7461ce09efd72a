// Long polls: one request a broker that the broker answers as soon as a partition that somebody wants has records, or after
// half a second. What comes back is kept in the partition's run, so that a reader at the end of the log gets a record with
// the reply that told of it. Under load polls begin some milliseconds apart: each costs as much as many records.
import type { Clock } from '#ports/clock'
import type { Telemetry } from '#ports/telemetry'
import { kafkaError, outOfRangePartition } from './errors.ts'
import type { FetchPart, ReadConnection } from './read-connection.ts'
import { RecordRun } from './record-run.ts'

/** A read so long ago does not let its partition be fetched ahead any more. */
const READ_AHEAD_MS = 1_000
/** Bytes held of one partition; a single larger reply may go beyond. */
const RUN_BYTES_MAX = 1024 * 1024
/** Longest a broker waits for records; closing takes as long. */
const WAIT_MS = 500
/** The same while a run is full: its partition has to get back into the request soon. */
const WAIT_WHILE_FULL_MS = 20
const PAUSE_FIRST_MS = 50
const PAUSE_LONGEST_MS = 2_000

export interface Waiter {
  readonly offset: number
  readonly wake: () => void
}

/** What is known of a partition. */
export interface PartitionState {
  /** Offset behind the last record known of. */
  end: number
  /** Null until somebody reads or waits. */
  run: RecordRun | null
  readAt: number
  /** When the run was last known to reach the end. */
  reachedEndAt: number
  /** Offset from which a poll under way would bring new records, or -1. */
  polledFrom: number
  readonly waiters: Set<Waiter>
}

export interface Poller {
  /** Somebody reads or waits: polls what is wanted and not being polled. */
  kick(): void
  /** The partition ends at `end` or later. */
  moveEnd(partition: number, end: number): void
  close(): Promise<void>
}

export interface PollerOptions {
  readonly topic: string
  readonly connection: ReadConnection
  readonly partitions: readonly PartitionState[]
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Polls of a broker begin so far apart at least, milliseconds. */
  readonly paceMs: number
}

export function createPoller(options: PollerOptions): Poller {
  return new LongPolls(options)
}

class LongPolls implements Poller {
  readonly #options: PollerOptions
  readonly #closing = new AbortController()
  /** By broker. */
  readonly #polls = new Map<string, Promise<void>>()
  #assigning: Promise<void> | null = null
  #kicked = false
  #failures = 0

  constructor(options: PollerOptions) {
    this.#options = options
  }

  kick(): void {
    if (this.#kicked) return
    this.#kicked = true
    // Those who begin to wait in this turn share the request.
    setImmediate(() => {
      this.#kicked = false
      this.#assignSoon()
    })
  }

  moveEnd(partition: number, end: number): void {
    const state = this.#state(partition)
    if (end <= state.end) return
    state.end = end
    for (const waiter of [...state.waiters]) if (end > waiter.offset) waiter.wake()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#assigning
    await Promise.all(this.#polls.values())
  }

  #state(partition: number): PartitionState {
    return this.#options.partitions[partition] as PartitionState
  }

  #assignSoon(): void {
    this.#assigning ??= this.#assign().finally(() => {
      this.#assigning = null
    })
  }

  /** Starts a poll for each broker that leads a wanted partition and has none. */
  async #assign(): Promise<void> {
    const { partitions, connection, clock } = this.#options
    const now = clock.monotonic()
    const wanted = [...partitions.keys()].filter((p) => isWanted(this.#state(p), now))
    if (wanted.length === 0 || this.#closing.signal.aborted) return
    try {
      const leaders = await connection.leaders(wanted)
      if (leaders.size === 0) throw new Error('no partition has a leader')
      for (const [leader, led] of leaders) {
        if (!this.#polls.has(leader)) this.#polls.set(leader, this.#run(leader, led))
      }
    } catch (error) {
      await this.#recover(error)
      this.kick()
    }
  }

  async #run(leader: string, led: readonly number[]): Promise<void> {
    const { clock, paceMs } = this.#options
    const begun = clock.monotonic()
    try {
      await this.#poll(leader, led)
      const rest = paceMs - (clock.monotonic() - begun)
      if (rest > 0) await clock.sleep(rest, this.#closing.signal)
      if (this.#failures > 0) {
        this.#options.telemetry.log('info', 'log-poll-recovered', { topic: this.#options.topic })
      }
      this.#failures = 0
    } catch (error) {
      await this.#recover(error)
    }
    this.#polls.delete(leader)
    this.#assignSoon()
  }

  async #poll(leader: string, led: readonly number[]): Promise<void> {
    const { connection, clock } = this.#options
    const parts = led.map((p) => partToFetch(p, this.#state(p))).filter((part) => part !== null)
    if (parts.length === 0) return clock.sleep(WAIT_WHILE_FULL_MS, this.#closing.signal)
    const waitMs = parts.length === led.length ? WAIT_MS : WAIT_WHILE_FULL_MS
    const from = new Map(parts.map((part) => [part.partition, part.from]))
    for (const part of parts) this.#state(part.partition).polledFrom = part.from
    const fetched = await connection.fetch(leader, parts, waitMs).finally(() => {
      for (const { partition } of parts) this.#state(partition).polledFrom = -1
    })
    for (const part of fetched) {
      const state = this.#state(part.partition)
      const joins = state.run?.extend(from.get(part.partition) ?? 0, part) === true
      if (joins && (state.run?.next ?? 0) >= part.end) state.reachedEndAt = clock.monotonic()
      this.moveEnd(part.partition, part.end)
    }
  }

  /** Tells why once, and waits longer after each failure. */
  async #recover(error: unknown): Promise<void> {
    const { clock, telemetry, topic } = this.#options
    if (this.#closing.signal.aborted) return
    const lost = outOfRangePartition(error)
    if (lost !== null) {
      await this.#locate(lost).catch((failure: unknown) => this.#recover(failure))
      return
    }
    if (this.#failures++ === 0) {
      telemetry.log('warn', 'log-poll-failed', { topic, reason: kafkaError(error).message })
    }
    const doublings = Math.min(this.#failures - 1, 10)
    const pause = Math.min(PAUSE_LONGEST_MS, PAUSE_FIRST_MS * 2 ** doublings)
    await clock.sleep(pause, this.#closing.signal)
  }

  /** The log was trimmed behind the run, or somebody waits for what is far ahead: on from the end, if for anybody. */
  async #locate(partition: number): Promise<void> {
    const state = this.#state(partition)
    state.run = null
    const [end = 0] = await this.#options.connection.offsets([partition], 'end')
    this.moveEnd(partition, end)
    if (state.waiters.size > 0) state.run ??= new RecordRun(end)
  }
}

const isWanted = ({ run, waiters, readAt }: PartitionState, now: number): boolean =>
  run !== null && (waiters.size > 0 || now - readAt < READ_AHEAD_MS)

/** Where to fetch a wanted partition; null when its run is full and nobody waits for more. */
function partToFetch(partition: number, state: PartitionState): FetchPart | null {
  const { run, end, waiters } = state
  if (run === null) return null
  if (run.bytes < RUN_BYTES_MAX) return { partition, from: run.next, maxBytes: RUN_BYTES_MAX }
  return waiters.size > 0 ? { partition, from: Math.max(end, run.next), maxBytes: 1 } : null
}
