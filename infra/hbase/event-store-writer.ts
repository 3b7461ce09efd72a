// The writing half of the event store on HBase. Every cell's timestamp is the position that caused it, so a batch may be
// written again, in parts, or by two owners at once. HBase has no transactions over rows; the order of writing replaces
// them: what was decided of an identity is written last, and until then a repeat decides and writes the same again.
//
//   events that count, their times and targets ─▶ states ─▶ events that ended ─▶ refusals ─▶ identities ─▶ watermark
import type { ApplyOutcome, StoreWriter } from '#ports/event-store'
import { decide } from '#schemas/effective'
import { orderOf, union, type Watermark } from '#schemas/position'
import type { DeletionRecord, EventRecord, Placed } from '#schemas/record'
import { type Batch, createBatch } from './batch.ts'
import { applyEnding } from './ending.ts'
import { answer } from './errors.ts'
import { behind, idKey, REFUSALS, refusalKey, tenantKey, WATERMARKS, watermarkKey } from './keys.ts'
import { createKnownTargets, type KnownTargets } from './known-targets.ts'
import { ENDED, isLive, packEvent, unpackEvent } from './rows.ts'
import type { StoreTables } from './tables.ts'

/** @throws MillraceError STORE_FAILED */
export async function openStoreWriter(tables: StoreTables): Promise<StoreWriter> {
  const targets = createKnownTargets()
  let watermark = await answer(() => readWatermark(tables))
  return {
    committed: async () => {
      watermark = await answer(() => readWatermark(tables))
      return watermark
    },
    apply: (records, upTo) =>
      answer(async () => {
        const next = union(watermark, upTo)
        const fresh = records.filter((placed) => !isApplied(placed, watermark))
        const outcome = await applyRecords(tables, targets, fresh)
        await writeWatermark(tables, watermark, next)
        watermark = next
        return outcome
      }),
    // A put is durable when HBase has answered it.
    flushed: async () => {},
    unburied: () => answer(() => readRefusals(tables)),
    buried: () =>
      answer(async () => {
        const rows = (await readRefusals(tables)).map((placed) => ({
          key: refusalKey(placed.partition, orderOf(placed)),
          value: ENDED,
          timestamp: refusedAt(orderOf(placed)) + 1,
        }))
        await tables.put('place', rows)
      }),
    close: async () => tables.close(),
  }
}

function isApplied({ generation, partition, offset }: Placed, watermark: Watermark): boolean {
  if (generation !== watermark.generation) return generation < watermark.generation
  return offset < (watermark.offsets[partition] ?? 0)
}

/** Single events are decided together; a record that ends many is applied between them, in its order. */
async function applyRecords(
  tables: StoreTables,
  targets: KnownTargets,
  records: readonly Placed[],
): Promise<ApplyOutcome> {
  const outcome = { reused: [] as Placed<EventRecord>[], live: 0, repeats: 0 }
  let run: Placed<EventRecord | DeletionRecord>[] = []
  const applyRun = async (): Promise<void> => {
    if (run.length === 0) return
    const applied = await applySingles(tables, targets, run)
    outcome.live += applied.live
    outcome.repeats += applied.repeats
    outcome.reused.push(...applied.reused)
    run = []
  }
  for (const placed of records) {
    const { record } = placed
    if (record.kind === 'event' || record.kind === 'deletion') run.push({ ...placed, record })
    else if (record.kind !== 'barrier') {
      await applyRun()
      targets.clear()
      await applyEnding(tables, { ...placed, record })
    }
  }
  await applyRun()
  return outcome
}

async function applySingles(
  tables: StoreTables,
  targets: KnownTargets,
  run: readonly Placed<EventRecord | DeletionRecord>[],
): Promise<ApplyOutcome> {
  const batch = createBatch(tables, targets)
  await batch.load(run.map(({ record }) => identityOf(record)))
  const outcome = { reused: [] as Placed<EventRecord>[], live: 0, repeats: 0 }
  for (const placed of run) {
    const { record } = placed
    const key = identityOf(record)
    const order = orderOf(placed)
    const { state, verdict } = decide(batch.identity(key)?.state, order, record)
    if (verdict === 'live') {
      outcome.live++
      batch.begin(key, state, placed as Placed<EventRecord>)
    } else if (verdict === 'ended') batch.end(key, state, order)
    else if (verdict !== 'none') {
      batch.decided(key, state)
      if (verdict === 'repeat') outcome.repeats++
      else outcome.reused.push(placed as Placed<EventRecord>)
    }
  }
  await writeAll(tables, batch, outcome.reused)
  return outcome
}

function identityOf(record: EventRecord | DeletionRecord): Buffer {
  const tenant = tenantKey(record.app, record.channel)
  return idKey(tenant, record.kind === 'event' ? record.event : record)
}

async function writeAll(
  tables: StoreTables,
  batch: Batch,
  reused: readonly Placed<EventRecord>[],
): Promise<void> {
  await batch.writeEvents()
  await batch.writeStates()
  await batch.writeEnded()
  const refusals = reused.map((placed) => ({
    key: refusalKey(placed.partition, orderOf(placed)),
    value: Buffer.concat([generationOf(placed), packEvent(placed)]),
    timestamp: refusedAt(orderOf(placed)),
  }))
  await tables.put('place', refusals)
  await batch.writeIdentities()
}

/** Refusals are written at twice their order, so that the mark of their burial has a timestamp between two of them. */
const refusedAt = (order: number): number => 2 * order

function generationOf({ generation }: Placed): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeUInt16BE(generation)
  return bytes
}

async function readRefusals(tables: StoreTables): Promise<Placed<EventRecord>[]> {
  const refusals: Placed<EventRecord>[] = []
  for await (const row of tables.scan('place', { start: REFUSALS, stop: behind(REFUSALS) })) {
    if (!isLive(row)) continue
    const generation = row.value.readUInt16BE(0)
    const { record, partition } = unpackEvent({ ...row, value: row.value.subarray(2) })
    const order = Number(row.key.readBigUInt64BE(row.key.length - 8))
    const offset = order - orderOf({ generation, offset: 0 })
    refusals.push({ generation, partition, offset, record })
  }
  return refusals
}

/** What all owners together have applied. */
export async function readWatermark(tables: StoreTables): Promise<Watermark> {
  let generation = 0
  const places: { partition: number; generation: number; offset: number }[] = []
  for await (const row of tables.scan('place', { start: WATERMARKS, stop: behind(WATERMARKS) })) {
    const partition = row.key.readUInt16BE(1)
    const [of, offset] = JSON.parse(row.value.toString()) as [number, number]
    places.push({ partition, generation: of, offset })
    generation = Math.max(generation, of)
  }
  const offsets: number[] = []
  for (const place of places) {
    if (place.generation === generation) offsets[place.partition] = place.offset
  }
  return {
    generation,
    offsets: Array.from({ length: Math.max(1, offsets.length) }, (_, p) => offsets[p] ?? 0),
  }
}

async function writeWatermark(
  tables: StoreTables,
  before: Watermark,
  next: Watermark,
): Promise<void> {
  const { generation, offsets } = next
  const moved = offsets.flatMap((offset, partition) => {
    const isSame = generation === before.generation && offset === (before.offsets[partition] ?? 0)
    if (isSame) return []
    return {
      key: watermarkKey(partition),
      value: Buffer.from(JSON.stringify([generation, offset])),
      timestamp: orderOf({ generation, offset }),
    }
  })
  await tables.put('place', moved)
}
