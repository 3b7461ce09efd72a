// The writing half of the embedded event store; `event-store/keys.ts` shows its tables. A batch is one transaction with
// its watermark: after a kill the store is what it was after some batch, and what stands below the watermark is known to
// be applied. It blocks its thread while it writes, so it belongs into a worker.
import { mkdir } from 'node:fs/promises'
import { MillraceError } from '#ports/errors'
import type { ApplyOutcome, FillableStoreWriter } from '#ports/event-store'
import { union, type Watermark } from '#schemas/position'
import type { ArchivedRecord, EventRecord, Placed } from '#schemas/record'
import {
  type CrashMark,
  createCrashMark,
  isBroken,
  removeBroken,
} from './event-store/crash-mark.ts'
import { applyDataDelete, applyErasure } from './event-store/ending.ts'
import {
  flush,
  openTables,
  readWatermark,
  type StoreOptions,
  storeError,
  type Tables,
  writeWatermark,
} from './event-store/environment.ts'
import {
  applyDeletion,
  applyEvent,
  applyTombstone,
  createWorking,
  type Working,
} from './event-store/identity.ts'
import { GENERATION_MAX, OFFSET_MAX, PARTITION_MAX } from './event-store/keys.ts'
import { createRefused } from './event-store/refused.ts'
import { probeFull } from './lmdb.ts'

const PAGE_BYTES = 4096
/** Pages a record may write, generously. */
const PAGES_A_RECORD = 4
const PROBE_BYTES_MAX = 32 * 1024 * 1024

/**
 * Opens the store for writing, before any reader of it. One writer at a time. A store that a stop of the machine may
 * have torn is removed: `committed()` is then the origin, and the log has to be read from its start.
 * @throws MillraceError STORE_FAILED, DISK_FULL
 */
export async function openStoreWriter(options: StoreOptions): Promise<FillableStoreWriter> {
  try {
    await mkdir(options.path, { recursive: true })
    if (await isBroken(options.path)) await removeBroken(options.path)
    const mark = createCrashMark(options.path)
    // Opening writes too: the tables are made.
    await mark.set()
    const tables = openTables(options)
    await flush(tables)
    return createWriter(tables, mark, options.path)
  } catch (error) {
    throw storeError(error)
  }
}

function createWriter(tables: Tables, mark: CrashMark, path: string): FillableStoreWriter {
  let working = createWorking(tables)
  const refused = createRefused(tables)
  let watermark = readWatermark(tables)
  let committed = watermark
  let applied = 0
  let isClosed = false

  const flushed = async (): Promise<void> => {
    const until = watermark
    const batches = applied
    await flush(tables)
    committed = union(committed, until)
    if (batches === applied) await mark.clear()
  }
  return {
    committed: async () => committed,
    apply: async (records, upTo) => {
      try {
        // Before anything is awaited: a flush that ends meanwhile must not take the mark away.
        applied++
        await mark.set()
        const next = union(watermark, upTo)
        const outcome = tables.root.transactionSync(() => {
          const result = applyRecords(working, records, watermark, next.offsets.length)
          refused.add(result.reused)
          writeWatermark(tables, next)
          return result
        })
        watermark = next
        return outcome
      } catch (error) {
        working = createWorking(tables)
        throw await applyError(error, path, records.length)
      }
    },
    flushed: async () => {
      try {
        await flushed()
      } catch (error) {
        throw storeError(error)
      }
    },
    unburied: async () => refused.list(),
    buried: async (places) => {
      try {
        applied++
        await mark.set()
        refused.remove(places)
      } catch (error) {
        throw await applyError(error, path, 1)
      }
    },
    close: async () => {
      if (isClosed) return
      isClosed = true
      try {
        await flushed()
      } catch (error) {
        throw storeError(error)
      } finally {
        await tables.root.close()
      }
    },
  }
}

/** A failed batch; LMDB reports a full disk as an input/output error, so the disk is asked. */
async function applyError(error: unknown, path: string, records: number): Promise<MillraceError> {
  const bytes = Math.min(PROBE_BYTES_MAX, records * PAGES_A_RECORD * PAGE_BYTES)
  const isInputOutput = error instanceof Error && error.message.includes('Input/output error')
  if (isInputOutput && (await probeFull(path, bytes))) {
    return new MillraceError('DISK_FULL', { what: 'the event store' }, { cause: error })
  }
  return storeError(error)
}

function applyRecords(
  working: Working,
  records: readonly Placed<ArchivedRecord>[],
  watermark: Watermark,
  partitions: number,
): ApplyOutcome {
  const outcome = { reused: [] as Placed<EventRecord>[], live: 0, repeats: 0 }
  for (const placed of records) {
    if (isApplied(placed, watermark)) continue
    assertPlace(placed)
    const { record } = placed
    switch (record.kind) {
      case 'event': {
        const event = placed as Placed<EventRecord>
        const verdict = applyEvent(working, event)
        if (verdict === 'live') outcome.live++
        else if (verdict === 'repeat') outcome.repeats++
        else if (verdict === 'reused') outcome.reused.push(event)
        break
      }
      case 'deletion':
        applyDeletion(working, { ...placed, record })
        break
      case 'erasure':
        applyErasure(working, { ...placed, record }, partitions)
        break
      case 'data-delete':
        applyDataDelete(working, { ...placed, record }, partitions)
        break
      case 'tombstone':
        applyTombstone(working, { ...placed, record })
        break
      case 'barrier':
        break
    }
  }
  working.batch.flush()
  working.ids.flush()
  working.tenants.save()
  return outcome
}

function isApplied(
  { generation, partition, offset }: Placed<ArchivedRecord>,
  watermark: Watermark,
): boolean {
  if (generation !== watermark.generation) return generation < watermark.generation
  return offset < (watermark.offsets[partition] ?? 0)
}

/** What a row of the store can hold. */
function assertPlace({ generation, partition, offset }: Placed<ArchivedRecord>): void {
  if (generation <= GENERATION_MAX && partition <= PARTITION_MAX && offset <= OFFSET_MAX) return
  throw new MillraceError('STORE_FAILED', {
    reason: `position ${generation}/${partition}/${offset} is out of range`,
  })
}
