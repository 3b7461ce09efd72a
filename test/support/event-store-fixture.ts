// What the suites and tests of event stores share: opening one, feeding it, reading all of it.
import type { TestContext } from 'node:test'
import { type EventStore, everyEvent, type StoreWriter } from '#ports/event-store'
import type { Event } from '#schemas/event'
import type { LogRecord } from '#schemas/record'
import { placed } from './stream-records.ts'

export interface OpenStore {
  readonly writer: StoreWriter
  readonly store: EventStore
  /** Closes both and opens them again; null where nothing outlives a close. */
  readonly reopen: (() => Promise<OpenStore>) | null
}

export interface StoreFactory {
  readonly name: string
  open(test: TestContext): Promise<OpenStore>
}

export const TIME = 1_700_000_000_000
export const ANY = everyEvent(1, 0)

export async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

/** Applies records one behind the other, each call where the last one ended. */
export function feeder(
  opened: OpenStore,
): (...records: LogRecord[]) => ReturnType<StoreWriter['apply']> {
  let at = 0
  return async (...records) => {
    const batch = placed(records, at)
    at += records.length
    const outcome = await opened.writer.apply(batch, { generation: 0, offsets: [at] })
    opened.store.refresh()
    return outcome
  }
}

export const idsOf = (events: readonly Event[]): string[] => events.map((event) => event.eventId)
