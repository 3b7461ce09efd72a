// Read your writes: a read waits until the store sink has applied what the log held when the read arrived.
//
// The log's ends are asked for once for all reads that wait. A read may share a question that was put after it arrived,
// never one put before: what was acknowledged in between would be missing.
import { asMillraceError, MillraceError } from '#ports/errors'
import type { EventStore } from '#ports/event-store'
import type { Log } from '#ports/log'
import type { Watermarks } from '#ports/watermarks'
import type { Position, Watermark } from '#schemas/position'
import { watermarkOf } from '#schemas/position'
import type { IngestLimits } from './limits.ts'

export interface ReadBarrier {
  /**
   * Resolves when the store shows everything acknowledged before the call; with `partition`, everything of that one.
   * @throws MillraceError READ_TIMEOUT, OVERLOADED, LOG_UNAVAILABLE
   */
  passed(partition: number | null): Promise<void>
  /** Waits until the store has applied these positions; false when the time was up. */
  applied(positions: readonly Position[]): Promise<boolean>
}

export interface ReadBarrierOptions {
  readonly log: Log
  readonly watermarks: Watermarks
  readonly store: EventStore
  readonly limits: IngestLimits
}

export function createReadBarrier(options: ReadBarrierOptions): ReadBarrier {
  const { log, watermarks, store, limits } = options
  const ends = createLogEnds(log)
  let waiting = 0

  async function wait(wanted: Watermark): Promise<boolean> {
    if (!(await watermarks.waitFor('store', wanted, limits.readTimeoutMs))) return false
    store.refresh()
    return true
  }

  return {
    async passed(partition) {
      if (waiting >= limits.waitingReadsMax) {
        throw new MillraceError('OVERLOADED', { limit: `${limits.waitingReadsMax} reads` })
      }
      waiting++
      try {
        const end = await ends()
        const wanted = partition === null ? end : onlyPartition(end, partition)
        if (!(await wait(wanted))) {
          throw new MillraceError('READ_TIMEOUT', { ms: limits.readTimeoutMs })
        }
      } finally {
        waiting--
      }
    },
    applied: (positions) => wait(watermarkOf(positions, log.partitions)),
  }
}

function onlyPartition(end: Watermark, partition: number): Watermark {
  return {
    generation: end.generation,
    offsets: end.offsets.map((offset, p) => (p === partition ? offset : 0)),
  }
}

/** The ends of all partitions, asked for once for all who ask while a question is under way. */
function createLogEnds(log: Log): () => Promise<Watermark> {
  let running: Promise<Watermark> | null = null
  let next: Promise<Watermark> | null = null

  async function ask(): Promise<Watermark> {
    try {
      const partitions = Array.from({ length: log.partitions }, (_, p) => log.end(p))
      return { generation: log.generation, offsets: await Promise.all(partitions) }
    } catch (error) {
      const { message } = asMillraceError(error)
      throw new MillraceError('LOG_UNAVAILABLE', { reason: message }, { cause: error })
    }
  }

  function start(): Promise<Watermark> {
    next = null
    const question = ask()
    running = question
    const done = (): void => {
      if (running === question) running = null
    }
    question.then(done, done)
    return question
  }

  return () => {
    if (next !== null) return next
    if (running === null) return start()
    next = running.then(start, start)
    return next
  }
}
