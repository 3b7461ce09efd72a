// Events in order of time: of an entity from its own rows, one scan an event name; of all from the time table, one scan a
// salt. The scans are merged, so that only a page of each is in memory.
import type { FindFilter } from '#ports/event-store'
import type { Event } from '#schemas/event'
import { entityHash } from '#schemas/hashes'
import type { Row } from './client.ts'
import { entityEvents } from './entity-events.ts'
import {
  behind,
  entityKey,
  NAMED_BYTES,
  SALTS,
  saltKey,
  saltTime,
  tenantKey,
  timeOrder,
} from './keys.ts'
import { readAhead } from './read-ahead.ts'
import { isLive, type StoredEvent, unpackEvent } from './rows.ts'
import type { StoreTables } from './tables.ts'

const PAGE = 500

export async function* findEvents(tables: StoreTables, filter: FindFilter): AsyncGenerator<Event> {
  if (filter.limit === 0) return
  const { entityType, entityId } = filter
  const found =
    entityType !== null && entityId !== null
      ? ofEntity(tables, filter, entityType, entityId)
      : ofTenant(tables, filter)
  let given = 0
  for await (const { record } of found) {
    if (!matches(record.event, filter)) continue
    yield record.event
    if (++given === filter.limit) return
  }
}

function matches(event: Event, filter: FindFilter): boolean {
  const is = (wanted: string | null, value: string | null): boolean =>
    wanted === null || wanted === value
  return (
    is(filter.entityType, event.entityType) &&
    is(filter.entityId, event.entityId) &&
    is(filter.event, event.event) &&
    is(filter.targetEntityType, event.targetEntityType) &&
    is(filter.targetEntityId, event.targetEntityId)
  )
}

async function* ofEntity(
  tables: StoreTables,
  filter: FindFilter,
  entityType: string,
  entityId: string,
): AsyncGenerator<StoredEvent> {
  const tenant = tenantKey(filter.app, filter.channel)
  const names =
    filter.event === null ? await eventNames(tables, tenant, entityType, entityId) : [filter.event]
  const { startTime, untilTime, reversed: newestFirst } = filter
  const streams = names.map((event) =>
    entityEvents(
      tables,
      { tenant, entityType, entityId, event },
      { newestFirst, startTime, untilTime, batch: PAGE },
    ),
  )
  const sign = newestFirst ? -1 : 1
  yield* merged(streams, (a, b) => {
    const byTime = a.record.event.eventTime - b.record.event.eventTime
    return sign * (byTime || a.order - b.order)
  })
}

/** The names of an entity's events: from each to the next, without reading what is between. */
async function eventNames(
  tables: StoreTables,
  tenant: Buffer,
  entityType: string,
  entityId: string,
): Promise<string[]> {
  const prefix = entityKey(tenant, entityHash(entityType, entityId))
  const stop = behind(prefix)
  const names = new Set<string>()
  let start = prefix
  for (;;) {
    let last: Row | null = null
    for await (const row of tables.scan('event', { start, stop, batch: 1 })) {
      last = row
      // A row that has ended says nothing of its name: the next one may.
      if (!isLive(row)) continue
      names.add(unpackEvent(row).record.event.event)
      break
    }
    if (last === null) return [...names]
    start = isLive(last) ? behind(last.key.subarray(0, NAMED_BYTES)) : stop
    if (start.length === 0 || Buffer.compare(start, stop) >= 0) return [...names]
  }
}

async function* ofTenant(tables: StoreTables, filter: FindFilter): AsyncGenerator<StoredEvent> {
  const tenant = tenantKey(filter.app, filter.channel)
  const { startTime, untilTime, reversed } = filter
  const readsAll = filter.limit < 0
  if (startTime !== null && untilTime !== null && startTime >= untilTime) return
  const scans = Array.from({ length: SALTS }, (_, salt) => {
    const salted = saltKey(tenant, salt)
    const first = startTime === null ? salted : saltTime(salted, startTime)
    const last = untilTime === null ? behind(salted) : saltTime(salted, untilTime)
    // Keys are longer than these ends, so no row is equal to one.
    return reversed
      ? tables.scan('time', { start: last, stop: first, reversed, batch: PAGE, readsAll })
      : tables.scan('time', { start: first, stop: last, batch: PAGE, readsAll })
  })
  const sign = reversed ? -1 : 1
  const times = merged(scans, (a, b) => sign * Buffer.compare(timeOrder(a.key), timeOrder(b.key)))
  const found = eventsAt(tables, times)
  for await (const rows of readsAll ? readAhead(found) : found) {
    for (const row of rows) if (isLive(row)) yield unpackEvent(row)
  }
}

/** The events that rows of the time table name, by pages. */
async function* eventsAt(
  tables: StoreTables,
  times: AsyncIterable<Row>,
): AsyncGenerator<readonly (Row | null)[]> {
  for await (const page of pages(times)) {
    const keys = page.filter(isLive).map(({ value }) => value)
    yield await tables.getMany('event', keys)
  }
}

/** Pages that begin small, for readers that want few. */
async function* pages(rows: AsyncIterable<Row>): AsyncGenerator<readonly Row[]> {
  let page: Row[] = []
  let size = 20
  for await (const row of rows) {
    page.push(row)
    if (page.length < size) continue
    yield page
    page = []
    size = Math.min(2 * size, PAGE)
  }
  yield page
}

/** Sorted streams as one. */
async function* merged<T>(
  streams: readonly AsyncGenerator<T>[],
  compare: (a: T, b: T) => number,
): AsyncGenerator<T> {
  try {
    const heads = await Promise.all(streams.map((stream) => stream.next()))
    for (;;) {
      let least = -1
      for (const [at, head] of heads.entries()) {
        if (head.done) continue
        const best = heads[least]
        if (best === undefined || compare(head.value, best.value as T) < 0) least = at
      }
      const head = heads[least]
      if (head === undefined) return
      yield head.value as T
      heads[least] = await (streams[least] as AsyncGenerator<T>).next()
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.return(undefined)))
  }
}
