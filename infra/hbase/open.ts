// Opens either half of the event store on HBase; each has connections of its own, so each may be in a thread of its own.
import type { Clock } from '#ports/clock'
import type { EventStore, StoreWriter } from '#ports/event-store'
import { openHBase } from './client.ts'
import { hbaseConfig } from './config.ts'
import { storeError } from './errors.ts'
import { createEventStore } from './event-store.ts'
import { openStoreWriter } from './event-store-writer.ts'
import { openStoreTables, type StoreTables } from './tables.ts'

/** @throws MillraceError CONFIG_INVALID, SERVER_UNREACHABLE, STORE_FAILED */
export async function openHBaseEventStore(
  url: string,
  prefix: string,
  clock: Clock,
): Promise<EventStore> {
  return createEventStore(await openTables(url, prefix, clock))
}

/** @throws MillraceError CONFIG_INVALID, STORE_FAILED */
export async function openHBaseStoreWriter(
  url: string,
  prefix: string,
  clock: Clock,
): Promise<StoreWriter> {
  const tables = await openTables(url, prefix, clock)
  try {
    return await openStoreWriter(tables)
  } catch (error) {
    tables.close()
    throw error
  }
}

async function openTables(url: string, prefix: string, clock: Clock): Promise<StoreTables> {
  const hbase = await openHBase(hbaseConfig(url), clock)
  try {
    return await openStoreTables(hbase, prefix)
  } catch (error) {
    hbase.close()
    throw storeError(error)
  }
}
