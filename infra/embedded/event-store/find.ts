// Listings: by the entity's lists when the entity is named, otherwise along time. Both read a few rows at a time and give
// the thread back in between.
import { setImmediate } from 'node:timers/promises'
import type { FindFilter } from '#ports/event-store'
import type { Event } from '#schemas/event'
import { bodyNames, readBody } from './body.ts'
import type { Table } from './environment.ts'
import {
  behind,
  compareRows,
  entityHashes,
  keyOf,
  LIST_BYTES,
  ROW_BYTES,
  TENANT_BYTES,
  writeTime,
} from './keys.ts'
import { listPages } from './lists.ts'
import { entriesOf } from './page.ts'
import type { Reading } from './reading.ts'

const SLICE_MIN = 32
const SLICE_MAX = 512
/** Rows looked at before the thread is given back. */
const ROWS_A_TURN = 512

type Transaction = ReturnType<Table['useReadTransaction']>

/** Live events that match, in order of eventTime and position, or the reverse of it. */
export async function* findEvents(reading: Reading, filter: FindFilter): AsyncGenerator<Event> {
  const tenant = reading.tenant(filter.app, filter.channel)
  if (tenant === null || filter.limit === 0) return
  const matches = await matcher(reading, filter)
  if (matches === null) return
  const { entityType, entityId } = filter
  const found =
    entityType !== null && entityId !== null
      ? ofEntity(reading, filter, tenant, entityType, entityId)
      : alongTime(reading, filter, tenant)
  let left = filter.limit < 0 ? Number.POSITIVE_INFINITY : filter.limit
  let looked = 0
  for (const { row, body } of found) {
    const event = matches(row, body)
    if (event !== null) {
      yield event
      if (--left === 0) return
    }
    if (++looked % ROWS_A_TURN === 0) await setImmediate()
  }
}

interface Found {
  readonly row: Buffer
  readonly body: Buffer
}

/** Reads a body if it matches; null when a name of the filter was never stored. */
async function matcher(
  { texts }: Reading,
  filter: FindFilter,
): Promise<((row: Buffer, body: Buffer) => Event | null) | null> {
  const event = filter.event === null ? 0 : texts.find(filter.event)
  const entityType = filter.entityType === null ? 0 : texts.find(filter.entityType)
  if (filter.event !== null && event === 0) return null
  if (filter.entityType !== null && entityType === 0) return null
  const equal = (wanted: string | null, value: string | null): boolean =>
    wanted === null || wanted === value
  return (row, body) => {
    if (event !== 0 || entityType !== 0) {
      const names = bodyNames(body)
      if (event !== 0 && names.event !== event) return null
      if (entityType !== 0 && names.entityType !== entityType) return null
    }
    const read = readBody(body, texts, row, 0).event
    const isWanted =
      equal(filter.entityId, read.entityId) &&
      equal(filter.targetEntityType, read.targetEntityType) &&
      equal(filter.targetEntityId, read.targetEntityId)
    return isWanted ? read : null
  }
}

/** Rows of the times asked for, as keys: from the first on, up to but without the second. */
function timeBounds(filter: FindFilter, tenant: number): [lower: Buffer, upper: Buffer] {
  const prefix = keyOf(tenant)
  const bound = (time: number): Buffer => {
    const key = Buffer.alloc(TENANT_BYTES + ROW_BYTES)
    key.set(prefix)
    writeTime(key, TENANT_BYTES, time)
    return key
  }
  return [
    filter.startTime === null ? prefix : bound(filter.startTime),
    filter.untilTime === null ? behind(prefix) : bound(filter.untilTime),
  ]
}

/** Each slice is a read of its own, begun behind the last key: whatever happens in between, no event comes twice. */
function* alongTime({ tables }: Reading, filter: FindFilter, tenant: number): Generator<Found> {
  const [lower, upper] = timeBounds(filter, tenant)
  if (lower.compare(upper) >= 0) return
  const reverse = filter.reversed
  let start = reverse ? upper : lower
  const end = reverse ? lower : upper
  let limit = SLICE_MIN
  let exclusiveStart = reverse
  for (;;) {
    const range = { start, end, limit, reverse, exclusiveStart, inclusiveEnd: reverse }
    const slice = [...tables.events.getRange(range)]
    for (const { key, value } of slice) yield { row: key.subarray(TENANT_BYTES), body: value }
    const last = slice.at(-1)
    if (last === undefined || slice.length < limit) return
    start = last.key
    exclusiveStart = true
    limit = Math.min(SLICE_MAX, limit * 2)
  }
}

/** The lists of an entity, merged in order; all of it on one snapshot, since lists move entries between their pages. */
function* ofEntity(
  { tables, texts }: Reading,
  filter: FindFilter,
  tenant: number,
  entityType: string,
  entityId: string,
): Generator<Found> {
  const entity = keyOf(tenant, ...entityHashes(entityType, entityId))
  const transaction = tables.root.useReadTransaction()
  try {
    const names =
      filter.event === null
        ? namesOf(tables.pages, entity, transaction)
        : [texts.find(filter.event)]
    const lists = names.map((name) =>
      rowsOfList(tables.pages, Buffer.concat([entity, keyOf(name)]), filter, transaction),
    )
    for (const row of merged(lists, filter.reversed)) {
      const body = tables.events.get(keyOf(tenant, row), { transaction })
      if (body !== undefined) yield { row, body }
    }
  } finally {
    transaction.done()
  }
}

/** Event names an entity has lists of. */
function namesOf(pages: Table, entity: Buffer, transaction: Transaction): number[] {
  const names: number[] = []
  const end = behind(entity)
  for (let start = entity; ; ) {
    const [key] = pages.getKeys({ start, end, limit: 1, transaction })
    if (key === undefined) return names
    names.push(key.readUInt32BE(entity.length))
    start = behind(key.subarray(0, LIST_BYTES))
  }
}

/** Rows of a list inside the times asked for. */
function* rowsOfList(
  pages: Table,
  list: Buffer,
  { startTime, untilTime, reversed }: FindFilter,
  transaction: Transaction,
): Generator<Buffer> {
  const bound = (time: number | null): Buffer | null => {
    if (time === null) return null
    const row = Buffer.alloc(ROW_BYTES)
    writeTime(row, 0, time)
    return row
  }
  const lower = bound(startTime)
  const upper = bound(untilTime)
  for (const page of listPages(pages, list, !reversed, { transaction })) {
    const entries = entriesOf(page)
    if (!reversed) entries.reverse()
    for (const row of entries) {
      const isBefore = lower !== null && compareRows(row, 0, lower, 0) < 0
      const isBehind = upper !== null && compareRows(row, 0, upper, 0) >= 0
      if (reversed ? isBefore : isBehind) return
      if (!isBefore && !isBehind) yield row.subarray(0, ROW_BYTES)
    }
  }
}

function* merged(lists: readonly Generator<Buffer>[], reversed: boolean): Generator<Buffer> {
  const heads = lists.map((list) => ({ list, row: next(list) }))
  for (;;) {
    let best: (typeof heads)[number] | null = null
    for (const head of heads) {
      if (head.row === null) continue
      const order = best?.row ? compareRows(head.row, 0, best.row, 0) : reversed ? 1 : -1
      if (reversed ? order > 0 : order < 0) best = head
    }
    if (best === null || best.row === null) return
    yield best.row
    best.row = next(best.list)
  }
}

function next(list: Generator<Buffer>): Buffer | null {
  const { value, done } = list.next()
  return done ? null : value
}
