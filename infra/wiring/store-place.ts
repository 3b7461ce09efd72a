// Where the event store is, as it is told to threads: each opens its own half.
import type { Clock } from '#ports/clock'
import type { EventStore, FillableStoreWriter, StoreWriter } from '#ports/event-store'
import { openEventStore } from '../embedded/event-store.ts'
import { openStoreWriter } from '../embedded/event-store-writer.ts'
import { schemeOf } from './port-urls.ts'

export interface StorePlace {
  readonly url: string
  readonly prefix: string
  /** Folder of the embedded store. */
  readonly path: string
}

/** @throws MillraceError STORE_FAILED, CONFIG_INVALID */
export async function openEventStoreAt(place: StorePlace, clock: Clock): Promise<EventStore> {
  if (schemeOf('store', place.url) !== 'hbase:') return openEventStore({ path: place.path })
  const { openHBaseEventStore } = await import('../hbase/open.ts')
  return openHBaseEventStore(place.url, place.prefix, clock)
}

/** True for the embedded store: it can be filled from the archive, and may have to be. */
export function isFillable(
  { url }: StorePlace,
  _writer: StoreWriter,
): _writer is FillableStoreWriter {
  return schemeOf('store', url) === 'lmdb:'
}

/** @throws MillraceError STORE_FAILED, DISK_FULL, CONFIG_INVALID */
export async function openStoreWriterAt(place: StorePlace, clock: Clock): Promise<StoreWriter> {
  if (schemeOf('store', place.url) !== 'hbase:') return openStoreWriter({ path: place.path })
  const { openHBaseStoreWriter } = await import('../hbase/open.ts')
  return openHBaseStoreWriter(place.url, place.prefix, clock)
}
