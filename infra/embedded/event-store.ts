// The reading half of the embedded event store; `event-store/keys.ts` shows its tables. Reads are synchronous inside (a
// memory map): each answers in microseconds, and long ones give the thread back every few hundred rows.
import { mkdir } from 'node:fs/promises'
import { MillraceError } from '#ports/errors'
import type { EventStore, HistoryEvent, HistoryRequest } from '#ports/event-store'
import type { Event } from '#schemas/event'
import { readBody } from './event-store/body.ts'
import { isBroken } from './event-store/crash-mark.ts'
import {
  openTables,
  readWatermark,
  type StoreOptions,
  storeError,
  type Tables,
} from './event-store/environment.ts'
import { findEvents } from './event-store/find.ts'
import { readHistory } from './event-store/history.ts'
import { rowsOf } from './event-store/id-index.ts'
import { compareRows, keyOf } from './event-store/keys.ts'
import { createReading, type Reading } from './event-store/reading.ts'
import { readState, readStates, readTargets } from './event-store/scans.ts'
import { tenantsOf } from './event-store/tenants.ts'

/**
 * Opens the store for reading, after its writer, in the same or another thread or process.
 * @throws MillraceError STORE_FAILED
 */
export async function openEventStore(options: StoreOptions): Promise<EventStore> {
  try {
    await mkdir(options.path, { recursive: true })
    if (await isBroken(options.path)) {
      const reason = 'the machine stopped before a flush; open the writer first'
      throw new MillraceError('STORE_FAILED', { reason })
    }
    return createReader(openTables(options))
  } catch (error) {
    throw storeError(error)
  }
}

function createReader(tables: Tables): EventStore {
  const reading = createReading(tables)
  let isClosed = false
  return {
    refresh: () => tables.root.resetReadTxn(),
    applied: () => answer(() => readWatermark(tables)),
    get: (app, channel, id) => answer(() => eventsWithId(reading, app, channel, id)[0] ?? null),
    getAll: (app, channel, id) => answer(() => eventsWithId(reading, app, channel, id)),
    find: (filter) => guarded(findEvents(reading, filter)),
    history: (request: HistoryRequest): Promise<readonly HistoryEvent[]> =>
      answer(() => readHistory(reading, request)),
    state: (app, channel, entityType, entityId) =>
      answer(() => readState(reading, app, channel, entityType, entityId)),
    states: (app, channel, entityType) => guarded(readStates(reading, app, channel, entityType)),
    targets: (app, channel, event, targetEntityType) =>
      guarded(readTargets(reading, app, channel, event, targetEntityType)),
    count: (app) =>
      answer(() => {
        const tenants = tenantsOf(tables.tenants, app).filter(({ row }) => row.count > 0)
        return new Map(tenants.map(({ channel, row }) => [channel, row.count]))
      }),
    health: async () => health(tables),
    close: async () => {
      if (isClosed) return
      isClosed = true
      await tables.root.close()
    },
  }
}

async function answer<T>(read: () => T): Promise<T> {
  try {
    return read()
  } catch (error) {
    throw storeError(error)
  }
}

async function* guarded<T>(rows: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* rows
  } catch (error) {
    throw storeError(error)
  }
}

function health(tables: Tables): Awaited<ReturnType<EventStore['health']>> {
  try {
    const at = readWatermark(tables).offsets.join(', ')
    return { name: 'store', status: 'ok', detail: `Events are stored up to ${at}.` }
  } catch (error) {
    const { message, hint } = storeError(error)
    return { name: 'store', status: 'failed', detail: message, hint }
  }
}

function eventsWithId(
  { tables, texts, tenant }: Reading,
  app: number,
  channel: number,
  eventId: string,
): Event[] {
  const number = tenant(app, channel)
  if (number === null) return []
  return rowsOf(tables, number, eventId)
    .sort(byPlace)
    .flatMap((row) => {
      const body = tables.events.get(keyOf(number, row))
      return body === undefined ? [] : [readBody(body, texts, row, 0).event]
    })
}

const PLACE_AT = 7

/** By position, whatever the time: a row is its time and its position. */
function byPlace(a: Buffer, b: Buffer): number {
  return a.compare(b, PLACE_AT, undefined, PLACE_AT) || compareRows(a, 0, b, 0)
}
