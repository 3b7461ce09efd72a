// The reading half of the event store on HBase. What a writer has put is seen at once, by every process.
import type { EventStore, HistoryEvent, HistoryRequest } from '#ports/event-store'
import type { Event } from '#schemas/event'
import type { EntityState } from '#schemas/state'
import { unpackState } from '#schemas/state-row'
import { entityEvents } from './entity-events.ts'
import { answer, storeError } from './errors.ts'
import { readWatermark } from './event-store-writer.ts'
import { findEvents } from './find.ts'
import {
  behind,
  idPrefix,
  stateKey,
  statePrefix,
  targetPrefix,
  tenantKey,
  tenantOf,
} from './keys.ts'
import { isLive, type StoredEvent, unpackEvent, unpackIdentity } from './rows.ts'
import type { StoreTables } from './tables.ts'

export function createEventStore(tables: StoreTables): EventStore {
  return {
    refresh: () => {},
    applied: () => answer(() => readWatermark(tables)),
    get: (app, channel, id) =>
      answer(async () => (await eventsWithId(tables, tenantKey(app, channel), id))[0] ?? null),
    getAll: (app, channel, id) => answer(() => eventsWithId(tables, tenantKey(app, channel), id)),
    find: (filter) => guarded(findEvents(tables, filter)),
    history: (request) => answer(() => readHistory(tables, request)),
    state: (app, channel, entityType, entityId) =>
      answer(() => readState(tables, stateKey(tenantKey(app, channel), entityType, entityId))),
    states: (app, channel, entityType) =>
      guarded(readStates(tables, statePrefix(tenantKey(app, channel), entityType))),
    targets: (app, channel, event, type) =>
      guarded(readTargets(tables, targetPrefix(tenantKey(app, channel), event, type))),
    count: (app) => answer(() => countEvents(tables, app)),
    health: async () => {
      try {
        const at = (await readWatermark(tables)).offsets.join(', ')
        return { name: 'store', status: 'ok', detail: `Events are stored in HBase up to ${at}.` }
      } catch (error) {
        const { message, hint } = storeError(error)
        return { name: 'store', status: 'failed', detail: message, hint }
      }
    },
    close: async () => tables.close(),
  }
}

async function* guarded<T>(rows: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* rows
  } catch (error) {
    throw storeError(error)
  }
}

async function eventsWithId(
  tables: StoreTables,
  tenant: Buffer,
  eventId: string,
): Promise<Event[]> {
  const prefix = idPrefix(tenant, eventId)
  const keys: Buffer[] = []
  for await (const row of tables.scan('id', { start: prefix, stop: behind(prefix), batch: 10 })) {
    const { state, event } = unpackIdentity(row)
    if (state.liveAt >= 0) keys.push(event)
  }
  const rows = await tables.getMany('event', keys)
  return rows
    .filter(isLive)
    .map(unpackEvent)
    .sort(byPlace)
    .map(({ record }) => record.event)
    .filter((event) => event.eventId === eventId)
}

const byPlace = (a: StoredEvent, b: StoredEvent): number =>
  a.order - b.order || a.partition - b.partition

/** One short scan an event name, all at once. */
async function readHistory(
  tables: StoreTables,
  { app, channel, entityType, entityId, events }: HistoryRequest,
): Promise<readonly HistoryEvent[]> {
  const tenant = tenantKey(app, channel)
  const lists = await Promise.all(
    events.map(async ({ event, limit }) => {
      const newest: HistoryEvent[] = []
      if (limit <= 0) return newest
      const named = { tenant, entityType, entityId, event }
      for await (const { record } of entityEvents(tables, named, {
        newestFirst: true,
        batch: limit + 1,
      })) {
        const { targetEntityId, eventTime } = record.event
        if (targetEntityId === null) continue
        newest.push({ event, targetEntityId, eventTime })
        if (newest.length === limit) break
      }
      return newest
    }),
  )
  return lists.flat()
}

async function readState(tables: StoreTables, key: Buffer): Promise<EntityState | null> {
  const [row] = await tables.getMany('state', [key])
  return row !== undefined && isLive(row) ? unpackState(row.value).state : null
}

async function* readStates(tables: StoreTables, prefix: Buffer): ReturnType<EventStore['states']> {
  for await (const rows of tables.scanAll('state', { start: prefix, stop: behind(prefix) })) {
    for (const row of rows) if (isLive(row)) yield unpackState(row.value)
  }
}

/** A target is one row a partition: of neighbours with one key but for the partition, one is told. */
async function* readTargets(tables: StoreTables, prefix: Buffer): AsyncGenerator<string> {
  const PARTITION_BYTES = 2
  let told = Buffer.alloc(0)
  for await (const row of tables.scan('target', { start: prefix, stop: behind(prefix) })) {
    const target = row.key.subarray(0, row.key.length - PARTITION_BYTES)
    if (!isLive(row) || target.equals(told)) continue
    told = Buffer.from(target)
    const [, , id] = JSON.parse(row.value.toString()) as [string, string, string]
    yield id
  }
}

/** Reads every identity of the app: exact, and as slow as that. */
async function countEvents(tables: StoreTables, app: number): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>()
  const prefix = tenantKey(app, null)
  for await (const rows of tables.scanAll('id', { start: prefix, stop: behind(prefix) })) {
    for (const row of rows) {
      if (unpackIdentity(row).state.liveAt < 0) continue
      const { channel } = tenantOf(row.key)
      counts.set(channel, (counts.get(channel) ?? 0) + 1)
    }
  }
  return counts
}
