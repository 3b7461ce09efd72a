// The store sink: hands records to the event store's writer, which decides which of them count. Batches are committed
// without a sync; what is durable moves on about once a second, and a restart reads the log again from there.
import type { Clock } from '#ports/clock'
import type { StoreWriter } from '#ports/event-store'
import type { EventRecord, Placed } from '#schemas/record'
import type { Refusal, Sink } from './pipeline.ts'

const FLUSH_EVERY_MS = 1000

export interface StoreSinkOptions {
  readonly writer: StoreWriter
  readonly clock: Clock
  /**
   * Sees each batch before it is applied, again with each try: what it says of the batch has to be known even if the thread
   * dies as soon as it has applied it.
   */
  readonly onRecords?: (records: Parameters<Sink['apply']>[0]) => void
}

export function createStoreSink({ writer, clock, onRecords }: StoreSinkOptions): Sink {
  let flushedAt = clock.monotonic()
  let flushing: Promise<void> | null = null
  let failure: { readonly error: unknown } | null = null

  /** Begins to make durable what was applied, beside the next batches. A failure is the next batch's. */
  const flushSometimes = (): void => {
    if (flushing !== null || clock.monotonic() - flushedAt < FLUSH_EVERY_MS) return
    flushing = writer
      .flushed()
      .catch((error: unknown) => {
        failure = { error }
      })
      .finally(() => {
        flushing = null
        flushedAt = clock.monotonic()
      })
  }
  return {
    name: 'store',
    start: () => writer.committed(),
    apply: async (records, upTo) => {
      if (failure !== null) {
        const { error } = failure
        failure = null
        throw error
      }
      onRecords?.(records)
      const { reused } = await writer.apply(records, upTo)
      flushSometimes()
      return reused.map(refusalOf)
    },
    unburied: async () => (await writer.unburied()).map(refusalOf),
    buried: (refusals) =>
      writer.buried(refusals.map(({ placed }) => placed as Placed<EventRecord>)),
    stop: async () => {
      await flushing
      await writer.flushed()
    },
  }
}

function refusalOf(placed: Placed<EventRecord>): Refusal {
  const { eventId } = placed.record.event
  const message = `The event id ${eventId} is taken by another event of this entity.`
  return { placed, code: 'EVENT_ID_REUSED', message }
}
