// How far each sink is, and who waits for it. Readers wait by the thousand, so nothing here polls: an advance looks only
// at waiters that it may wake, and one sleeper serves all deadlines.
import type { Clock } from '#ports/clock'
import { SINKS, type SinkName, type Watermarks } from '#ports/watermarks'
import { covers, emptyWatermark, union, type Watermark } from '#schemas/position'

export interface MovableWatermarks extends Watermarks {
  /** The sink has applied everything below `to`; never moves back. */
  advance(sink: SinkName, to: Watermark): void
  /** Everybody who waits is told false, now and from now on. */
  close(): void
}

interface Waiter {
  readonly wanted: Watermark
  readonly deadline: number
  readonly settle: (reached: boolean) => void
  settled: boolean
}

export interface WatermarksOptions {
  readonly partitions: number
  readonly generation: number
  readonly clock: Clock
}

export function createWatermarks(options: WatermarksOptions): MovableWatermarks {
  const { clock, partitions, generation } = options
  const lines = new Map(
    SINKS.map((sink) => [sink, new WaitingLine(emptyWatermark(partitions, generation))]),
  )
  const line = (sink: SinkName): WaitingLine => lines.get(sink) as WaitingLine
  const deadlines = new Deadlines(clock, () => {
    for (const waiting of lines.values()) waiting.sweep()
  })
  let closed = false
  return {
    applied: (sink) => line(sink).applied,
    advance: (sink, to) => line(sink).advance(to),
    waitFor: (sink, wanted, timeoutMs) => {
      if (covers(line(sink).applied, wanted)) return Promise.resolve(true)
      if (closed || timeoutMs <= 0) return Promise.resolve(false)
      return new Promise((resolve) => {
        const deadline = clock.monotonic() + timeoutMs
        const waiter: Waiter = {
          wanted,
          deadline,
          settled: false,
          settle: (reached) => {
            deadlines.forget(waiter)
            resolve(reached)
          },
        }
        line(sink).add(waiter)
        deadlines.add(waiter)
      })
    },
    close: () => {
      closed = true
      deadlines.close()
    },
  }
}

/**
 * Waiters of one sink. Each stands in the queue of one partition it still lacks, ordered by the offset it wants there;
 * an advance takes them from the front, and who lacks another partition moves to that queue.
 */
class WaitingLine {
  applied: Watermark
  readonly #queues: Waiter[][] = []

  constructor(applied: Watermark) {
    this.applied = applied
  }

  add(waiter: Waiter): void {
    const partition = this.#lacking(waiter.wanted)
    let queue = this.#queues[partition]
    if (queue === undefined) {
      queue = []
      this.#queues[partition] = queue
    }
    let at = queue.length
    while (at > 0 && wantsMore(queue[at - 1], waiter, partition)) at--
    queue.splice(at, 0, waiter)
  }

  /** Drops those who gave up. */
  sweep(): void {
    for (const [partition, queue] of this.#queues.entries()) {
      if (queue !== undefined) this.#queues[partition] = queue.filter(({ settled }) => !settled)
    }
  }

  advance(to: Watermark): void {
    const before = this.applied
    this.applied = union(before, to)
    for (let partition = 0; partition < this.#queues.length; partition++) {
      const moved =
        this.applied.generation !== before.generation ||
        (this.applied.offsets[partition] ?? 0) > (before.offsets[partition] ?? 0)
      if (moved) this.#wake(partition)
    }
  }

  #wake(partition: number): void {
    const queue = this.#queues[partition]
    if (queue === undefined) return
    const reached = (w: Waiter): boolean =>
      w.settled ||
      this.applied.generation > w.wanted.generation ||
      (this.applied.generation === w.wanted.generation &&
        (this.applied.offsets[partition] ?? 0) >= (w.wanted.offsets[partition] ?? 0))
    let count = 0
    for (const waiter of queue) {
      if (!reached(waiter)) break
      count++
    }
    for (const waiter of queue.splice(0, count)) {
      if (waiter.settled) continue
      if (covers(this.applied, waiter.wanted)) finish(waiter, true)
      else this.add(waiter)
    }
  }

  #lacking(wanted: Watermark): number {
    const lacks = wanted.offsets.findIndex((offset, p) => (this.applied.offsets[p] ?? 0) < offset)
    return Math.max(0, lacks)
  }
}

/** True when `a` wants a place of this partition behind the one `b` wants. */
function wantsMore(a: Waiter | undefined, b: Waiter, partition: number): boolean {
  if (a === undefined) return false
  if (a.wanted.generation !== b.wanted.generation) {
    return a.wanted.generation > b.wanted.generation
  }
  return (a.wanted.offsets[partition] ?? 0) > (b.wanted.offsets[partition] ?? 0)
}

/** One sleeper for all deadlines: it sleeps until the earliest one. */
class Deadlines {
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()
  readonly #expired: () => void
  #wakeAt = Number.POSITIVE_INFINITY
  #sleep = new AbortController()

  /** `expired` is called after waiters were told that their time is over. */
  constructor(clock: Clock, expired: () => void) {
    this.#clock = clock
    this.#expired = expired
  }

  add(waiter: Waiter): void {
    this.#waiters.add(waiter)
    if (waiter.deadline < this.#wakeAt) this.#sleepUntil(waiter.deadline)
  }

  forget(waiter: Waiter): void {
    this.#waiters.delete(waiter)
  }

  close(): void {
    this.#sleep.abort()
    for (const waiter of [...this.#waiters]) finish(waiter, false)
  }

  #sleepUntil(deadline: number): void {
    this.#sleep.abort()
    const sleep = new AbortController()
    this.#sleep = sleep
    this.#wakeAt = deadline
    const ms = Math.max(0, deadline - this.#clock.monotonic())
    void this.#clock.sleep(ms, sleep.signal).then(() => {
      if (!sleep.signal.aborted) this.#expire()
    })
  }

  #expire(): void {
    const now = this.#clock.monotonic()
    let next = Number.POSITIVE_INFINITY
    for (const waiter of [...this.#waiters]) {
      if (waiter.deadline <= now) finish(waiter, false)
      else next = Math.min(next, waiter.deadline)
    }
    this.#expired()
    this.#wakeAt = Number.POSITIVE_INFINITY
    if (next < Number.POSITIVE_INFINITY) this.#sleepUntil(next)
  }
}

function finish(waiter: Waiter, reached: boolean): void {
  if (waiter.settled) return
  waiter.settled = true
  waiter.settle(reached)
}
