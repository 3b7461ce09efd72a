// Fills a version of the event store from the beginning: from the archive's ranges, then from the log where they end. The
// store's own writer decides, so the version is what the store sink would have made of the same records.
import type { Archive } from '#ports/archive'
import { MillraceError } from '#ports/errors'
import type { FillableStoreWriter } from '#ports/event-store'
import type { LogReader } from '#ports/log'
import { decodeRecord, RecordFormatError } from '#schemas/codec'
import type { ArchivedRecord, Placed } from '#schemas/record'

/** Bytes of log values that a batch holds at most. */
const BATCH_BYTES = 512 * 1024

export interface FillOptions {
  readonly archive: Pick<Archive, 'records' | 'end'>
  readonly log: LogReader
  readonly writer: FillableStoreWriter
  readonly onProgress: (filled: Filled) => void
  readonly signal: AbortSignal
}

export interface Filled {
  /** Records read from the archive and from the log. */
  readonly fromArchive: number
  readonly fromLog: number
}

export interface StoreFill {
  /** Where it is: everything below is in the version. */
  readonly offsets: readonly number[]
  readonly filled: Filled
  /** Goes on to exactly these offsets (never back). @throws MillraceError ARCHIVE_CORRUPT, LOG_TRIMMED, STORE_FAILED, DISK_FULL */
  to(offsets: readonly number[]): Promise<void>
}

/** Begins at the writer's own place: at the origin for a new version. */
export async function createStoreFill(options: FillOptions): Promise<StoreFill> {
  const { archive, log, writer, signal, onProgress } = options
  const { generation, partitions } = log
  const begun = await writer.committed()
  const offsets = Array.from({ length: partitions }, (_, p) =>
    begun.generation === generation ? (begun.offsets[p] ?? 0) : 0,
  )
  let filled: Filled = { fromArchive: 0, fromLog: 0 }

  const apply = async (
    partition: number,
    records: readonly Placed<ArchivedRecord>[],
    upTo: number,
    source: keyof Filled,
  ): Promise<void> => {
    signal.throwIfAborted()
    const next = offsets.with(partition, upTo)
    await writer.apply(records, { generation, offsets: next })
    offsets[partition] = upTo
    filled = { ...filled, [source]: filled[source] + records.length }
    onProgress(filled)
    // Nothing here waits for anything: without a turn of the loop nobody could abort it.
    await new Promise((resolve) => setImmediate(resolve))
  }
  const fromArchive = async (partition: number, wanted: number): Promise<void> => {
    const end = Math.min(await archive.end(partition), wanted)
    const from = offsets[partition] ?? 0
    if (from >= end) return
    for await (const batch of archive.records(partition, from)) {
      const records = batch.filter(({ offset }) => offset < end)
      const last = records.at(-1)
      if (last === undefined) break
      await apply(partition, records, last.offset + 1, 'fromArchive')
    }
    await apply(partition, [], end, 'fromArchive')
  }
  const fromLog = async (partition: number, wanted: number): Promise<void> => {
    const from = offsets[partition] ?? 0
    const { records, next } = await log.read(partition, from, BATCH_BYTES)
    const decoded: Placed[] = []
    for (const { offset, value } of records) {
      if (offset >= wanted) break
      const record = readable(value)
      if (record !== null) decoded.push({ generation, partition, offset, record })
    }
    // At the end of what there is, only gaps are left below the place that is wanted.
    const upTo = records.length === 0 ? wanted : Math.min(next, wanted)
    await apply(partition, decoded, upTo, 'fromLog')
  }
  return {
    offsets,
    get filled() {
      return filled
    },
    to: async (wanted) => {
      for (let partition = 0; partition < partitions; partition++) {
        const end = wanted[partition] ?? 0
        await fromArchive(partition, end)
        while ((offsets[partition] ?? 0) < end) {
          const start = await log.start(partition)
          const from = offsets[partition] ?? 0
          if (from >= start) await fromLog(partition, end)
          else {
            // Trimmed meanwhile: then the archive has it.
            await fromArchive(partition, end)
            if ((offsets[partition] ?? 0) === from)
              throw new MillraceError('LOG_TRIMMED', { from, start })
          }
        }
      }
    },
  }
}

/** null for what no sink could read either: it is in dead letters. */
function readable(value: Uint8Array): Placed['record'] | null {
  try {
    return decodeRecord(value)
  } catch (error) {
    if (error instanceof RecordFormatError) return null
    throw error
  }
}
