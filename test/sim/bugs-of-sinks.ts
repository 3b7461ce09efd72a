// Bugs of logs, sinks and the event store, to be planted one at a time: each makes a part of the platform as it might have
// been written.
import type { StoreWriter } from '#ports/event-store'
import type { Log } from '#ports/log'
import { decodeRecord } from '#schemas/codec'
import { emptyWatermark, union } from '#schemas/position'
import type { EventRecord, Placed } from '#schemas/record'
import type { PipelineOptions, Sink } from '../../streams/pipeline.ts'
import { createMemoryStoreWriter } from '../support/memory/event-store.ts'
import { copyOf } from './faulty-store.ts'
import type { Bug } from './plants.ts'
import { OTHER, SHOP } from './world.ts'

export const BUGS_OF_SINKS: readonly Bug[] = [
  {
    name: 'acknowledged before the log has it',
    plant: () => ({
      ingestLog: (log) => ({
        ...log,
        append: async (partition, values) => {
          const offset = await log.end(partition)
          void log.append(partition, values).catch(() => {})
          return { generation: log.generation, partition, offset }
        },
      }),
    }),
  },
  {
    name: 'commit before the sink',
    plant: () => ({
      pipeline: storeSink((sink) => ({
        ...sink,
        apply: async (records, upTo) => {
          void sink.apply(records, upTo).catch(() => {})
          return []
        },
      })),
    }),
  },
  { name: 'the sink reads before it is durable', plant: readsEarly },
  {
    name: 'the offset is kept outside the transaction',
    plant: () => {
      let highest = emptyWatermark(1)
      return {
        storeWriter: (writer) => ({
          ...writer,
          committed: async () => union(await writer.committed(), highest),
          apply: async (records, upTo) => {
            const outcome = await writer.apply(records, upTo)
            highest = union(highest, upTo)
            return outcome
          },
        }),
      }
    },
  },
  {
    name: 'no de-duplication',
    plant: () => ({
      storeWriter: (writer, { disk }) => ({
        ...writer,
        apply: (records, upTo) => {
          disk.events.identities.clear()
          return writer.apply(records, upTo)
        },
      }),
    }),
  },
  {
    name: 'delete and re-use in one batch: the newest of an id wins',
    plant: () => ({
      storeWriter: reordering((records) =>
        records.filter(({ record }, place) => {
          if (record.kind !== 'deletion') return true
          const later = records.slice(place + 1)
          return !later.some(
            (other) =>
              other.record.kind === 'event' && other.record.event.eventId === record.eventId,
          )
        }),
      ),
    }),
  },
  {
    name: 'a batch is read in the wrong order',
    plant: () => ({ storeWriter: reordering((records) => records.toReversed()) }),
  },
  { name: 'a stale owner writes what it remembers', plant: staleOwner },
  {
    name: 'a batch that failed is skipped',
    plant: () => ({
      pipeline: storeSink((sink) => ({
        ...sink,
        apply: (records, upTo) => sink.apply(records, upTo).catch(() => []),
      })),
    }),
  },
  {
    name: 'a dead letter is told, not written',
    plant: () => ({
      pipeline: (options) => ({
        ...options,
        deadLetter: async (letter) => {
          void options.deadLetter(letter).catch(() => {})
        },
      }),
    }),
  },
  {
    name: 'a refusal is forgotten when the process ends before its dead letter',
    plant: () => ({
      storeWriter: (writer) => ({
        ...writer,
        unburied: async () => [],
        buried: async () => {},
        apply: async (records, upTo) => {
          const outcome = await writer.apply(records, upTo)
          await writer.buried(outcome.reused)
          return outcome
        },
      }),
    }),
  },
  {
    name: 'a data-delete takes the data of the other app',
    plant: () => ({
      storeWriter: reordering((records) =>
        records.map(({ record, ...place }) =>
          record.kind === 'data-delete'
            ? { ...place, record: { ...record, app: record.app === SHOP ? OTHER : SHOP } }
            : { ...place, record },
        ),
      ),
    }),
  },
  {
    name: 'an erasure reaches the partition of the entity only',
    plant: () => ({
      ingestLog: (log) => ({
        ...log,
        append: (partition, values) =>
          partition > 0 && decodeRecord(values[0] as Uint8Array).kind === 'erasure'
            ? log.append(0, values)
            : log.append(partition, values),
      }),
    }),
  },
  {
    name: 'the last record of a range is not archived',
    plant: () => ({
      archive: (archive) => ({
        ...archive,
        openRange: async (partition, start) => {
          const range = await archive.openRange(partition, start)
          return {
            start: range.start,
            get bytes() {
              return range.bytes
            },
            append: (records) => range.append(records.length > 1 ? records.slice(0, -1) : records),
            close: (end) => range.close(end),
            abort: () => range.abort(),
          }
        },
      }),
    }),
  },
]

type Records = readonly Placed[]

const storeSink =
  (change: (sink: Sink) => Sink) =>
  (options: PipelineOptions): PipelineOptions =>
    options.sink.name === 'store' ? { ...options, sink: change(options.sink) } : options

const reordering = (change: (records: Records) => Records) => (writer: StoreWriter) => ({
  ...writer,
  apply: (records: Records, upTo: Parameters<StoreWriter['apply']>[1]) =>
    writer.apply(change(records), upTo),
})

/** What ingest is about to append can be read, whatever becomes of it. */
function readsEarly(): ReturnType<Bug['plant']> {
  const coming = new Map<number, Uint8Array[]>()
  const sinkLog = (log: Log): Log => ({
    ...log,
    read: async (partition, from, maxBytes) => {
      const batch = await log.read(partition, from, maxBytes)
      const early = coming.get(partition) ?? []
      if (batch.records.length === 0 || early.length === 0) return batch
      if (batch.next < (await log.end(partition))) return batch
      const values = early.map((value, i) => ({ offset: batch.next + i, value }))
      return { records: [...batch.records, ...values], next: batch.next + values.length }
    },
  })
  return {
    sinkLog,
    ingestLog: (log) => ({
      ...log,
      append: async (partition, values) => {
        coming.set(
          partition,
          values.map((value) => Uint8Array.from(value)),
        )
        try {
          return await log.append(partition, values)
        } finally {
          coming.delete(partition)
        }
      },
    }),
  }
}

/** Each owner has the store in its memory from when it began, and writes the whole of it. */
function staleOwner(): ReturnType<Bug['plant']> {
  return {
    storeWriter: (writer, { disk }) => {
      const { events } = disk
      const mine = copyOf(events)
      const memory = createMemoryStoreWriter(mine)
      return {
        ...writer,
        apply: async (records, upTo) => {
          const outcome = await memory.apply(records, upTo)
          const reused: Placed<EventRecord>[] = []
          await writer.apply([], upTo)
          Object.assign(events, copyOf(mine), { watermark: union(events.watermark, upTo) })
          return { ...outcome, reused: [...reused, ...outcome.reused] }
        },
      }
    },
  }
}
