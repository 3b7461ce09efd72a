// The archive sink: spools records into an open range a partition and publishes the range when it is large or old enough,
// when a training has placed its barrier, or when somebody asks. What it has applied is what is published: an open range is lost in
// a crash and read from the log again, from the end of the last range.
import type { Archive, RangeWriter } from '#ports/archive'
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { ArchiveCloser } from '#ports/watermarks'
import { covers, type Watermark } from '#schemas/position'
import type { Placed } from '#schemas/record'
import type { Sink } from './pipeline.ts'

export const RANGE_BYTES = 64 * 1024 * 1024
export const RANGE_MS = 3_600_000
/** A smaller range is not published when the sink stops: reading it again costs less than one more small file. */
const STOP_BYTES = 1024 * 1024

export interface ArchiveSinkOptions {
  readonly archive: Archive
  readonly partitions: number
  readonly generation: number
  readonly clock: Clock
  /** Told the end of what is published, each time it moves. */
  readonly onPublished: (published: Watermark) => void
  readonly rangeBytes?: number
}

export type ArchiveSink = Sink & ArchiveCloser

interface OpenPartition {
  /** Offset of the next record that is wanted. */
  next: number
  published: number
  range: RangeWriter | null
  openedAt: number
  /** The open range holds a barrier: a training, maybe of another process, waits for it. */
  isAwaited: boolean
}

interface Closing {
  readonly wanted: Watermark
  readonly done: () => void
  readonly failed: (error: MillraceError) => void
}

export function createArchiveSink(options: ArchiveSinkOptions): ArchiveSink {
  return new ArchiveSinkState(options)
}

class ArchiveSinkState implements ArchiveSink {
  readonly name = 'archive'
  readonly turn = {
    due: () => this.#due(),
    wait: (signal: AbortSignal) => this.#waitForTurn(signal),
  }
  readonly #options: ArchiveSinkOptions
  #partitions: OpenPartition[] = []
  #closings: Closing[] = []
  #wake: (() => void) | null = null
  #stopped = false

  constructor(options: ArchiveSinkOptions) {
    this.#options = options
  }

  async start(): Promise<Watermark> {
    const { archive, partitions, onPublished } = this.#options
    const started: OpenPartition[] = []
    for (let p = 0; p < partitions; p++) {
      const end = await archive.end(p)
      started.push({ next: end, published: end, range: null, openedAt: 0, isAwaited: false })
    }
    this.#partitions = started
    onPublished(this.#published())
    this.#settle()
    return this.#published()
  }

  /** Throws the open ranges away; the log is read again from the end of the last one. */
  readonly recover = async (): Promise<Watermark> => {
    for (const partition of this.#partitions) {
      const { range } = partition
      partition.range = null
      partition.isAwaited = false
      await range?.abort()
    }
    return this.start()
  }

  async apply(records: readonly Placed[], upTo: Watermark): Promise<readonly []> {
    const { rangeBytes = RANGE_BYTES } = this.#options
    const byPartition =
      this.#partitions.length === 1 ? [records] : splitByPartition(records, upTo.offsets.length)
    for (const [p, partition] of this.#partitions.entries()) {
      const end = upTo.offsets[p] ?? 0
      if (end > partition.next) {
        await this.#append(p, partition, byPartition[p] ?? [])
        partition.next = end
      }
      const { range } = partition
      if (range === null) continue
      const isLarge = range.bytes >= rangeBytes
      if (
        isLarge ||
        partition.isAwaited ||
        this.#isOld(partition) ||
        this.#isWanted(p, partition)
      ) {
        await this.#publish(partition)
      }
    }
    this.#settle()
    return []
  }

  async #append(p: number, partition: OpenPartition, records: readonly Placed[]): Promise<void> {
    const { archive, clock } = this.#options
    if (partition.range === null) {
      partition.range = await archive.openRange(p, partition.next)
      partition.openedAt = clock.monotonic()
    }
    // Behind a range that another writer published further than ours, the first records are archived already.
    const first = records[0]
    const known = first !== undefined && first.offset < partition.next
    const fresh = known ? records.filter(({ offset }) => offset >= partition.next) : records
    await partition.range.append(fresh)
    partition.isAwaited ||= fresh.some(({ record }) => record.kind === 'barrier')
  }

  async #publish(partition: OpenPartition): Promise<void> {
    const { range, next } = partition
    if (range === null) return
    const { end } = await range.close(next)
    partition.range = null
    partition.isAwaited = false
    partition.published = end
    this.#options.onPublished(this.#published())
    // Another writer was first and stopped sooner: what we had behind his end is to be read again.
    if (end < next) throw new MillraceError('CONFLICT', { object: `archive range ${range.start}` })
    partition.next = end
  }

  /**
   * Resolves when everything below `watermark` is published; at once when it is already.
   * @throws MillraceError SINK_STOPPED when the sink stops, or has stopped, before that
   */
  closeAt(watermark: Watermark): Promise<void> {
    if (covers(this.#published(), watermark)) return Promise.resolve()
    if (this.#stopped) return Promise.reject(stoppedError())
    return new Promise((resolve, reject) => {
      this.#closings.push({ wanted: watermark, done: resolve, failed: reject })
      this.#wake?.()
    })
  }

  async stop(): Promise<void> {
    try {
      for (const partition of this.#partitions) {
        const { range } = partition
        if (range === null) continue
        if (range.bytes >= STOP_BYTES || this.#closings.length > 0) await this.#publish(partition)
        else await range.abort()
        partition.range = null
      }
      this.#settle()
    } finally {
      this.#stopped = true
      for (const closing of this.#closings) closing.failed(stoppedError())
      this.#closings = []
    }
  }

  #published(): Watermark {
    const offsets = this.#partitions.map(({ published }) => published)
    return { generation: this.#options.generation, offsets }
  }

  #settle(): void {
    if (this.#closings.length === 0) return
    const published = this.#published()
    const reached = (closing: Closing): boolean => covers(published, closing.wanted)
    for (const closing of this.#closings) if (reached(closing)) closing.done()
    this.#closings = this.#closings.filter((closing) => !reached(closing))
  }

  #isOld({ range, openedAt }: OpenPartition): boolean {
    return range !== null && this.#options.clock.monotonic() - openedAt >= RANGE_MS
  }

  /** Somebody waits for a place in the open range, and all of it has been read. */
  #isWanted(p: number, { next, published, range }: OpenPartition): boolean {
    return (
      range !== null &&
      this.#closings.some(({ wanted }) => {
        const offset = wanted.offsets[p] ?? 0
        return offset > published && offset <= next
      })
    )
  }

  #due(): boolean {
    return this.#partitions.some((its, p) => this.#isOld(its) || this.#isWanted(p, its))
  }

  async #waitForTurn(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const woken = new AbortController()
    const either = AbortSignal.any([signal, woken.signal])
    this.#wake = () => woken.abort()
    const opened = this.#partitions.filter(({ range }) => range !== null)
    const oldest = Math.min(...opened.map(({ openedAt }) => openedAt))
    const ms = opened.length === 0 ? RANGE_MS : oldest + RANGE_MS - clock.monotonic()
    await clock.sleep(Math.max(0, ms), either)
    this.#wake = null
  }
}

function stoppedError(): MillraceError {
  return new MillraceError('SINK_STOPPED', { sink: 'archive', reason: 'the platform is stopping' })
}

function splitByPartition(records: readonly Placed[], partitions: number): Placed[][] {
  const split = Array.from({ length: partitions }, (): Placed[] => [])
  for (const placed of records) split[placed.partition]?.push(placed)
  return split
}
