// The event store of the simulated disk. A crash of the process keeps what was applied; one of the machine goes back to
// what was flushed.
import { MillraceError } from '#ports/errors'
import type { EventStore, StoreWriter } from '#ports/event-store'
import { covers } from '#schemas/position'
import {
  createMemoryEventStore,
  createMemoryEvents,
  createMemoryStoreWriter,
  type MemoryEvents,
} from '../support/memory/event-store.ts'
import type { Faults } from './faults.ts'
import type { Life, Scheduler } from './scheduler.ts'

export interface StoreDisk {
  events: MemoryEvents
  flushed: MemoryEvents
}

export const createStoreDisk = (): StoreDisk => ({
  events: createMemoryEvents(),
  flushed: createMemoryEvents(),
})

/** A copy that later writes leave alone; the values themselves never change. */
export function copyOf(events: MemoryEvents): MemoryEvents {
  const copied = Object.entries(events).map(([name, value]): [string, unknown] => {
    if (value instanceof Map) return [name, new Map(value)]
    return [name, Array.isArray(value) ? [...value] : value]
  })
  return Object.fromEntries(copied) as unknown as MemoryEvents
}

/** What the machine finds after a loss of power: what was flushed, or nothing where a torn store is removed. */
export function loseUnflushed(disk: StoreDisk, isTorn: boolean): void {
  if (isTorn) disk.flushed = createMemoryEvents()
  disk.events = copyOf(disk.flushed)
}

interface Options {
  readonly disk: StoreDisk
  readonly life: Life
  readonly scheduler: Scheduler
  readonly faults: Faults
}

export function createFaultyStoreWriter({ disk, life, scheduler, faults }: Options): StoreWriter {
  const writer = createMemoryStoreWriter(disk.events)
  const { events } = disk
  const gate = (label: string): Promise<void> => scheduler.gate(life, `store.${label}`)
  const fail = (): void => {
    if (!faults.happens('failedStore')) return
    throw new MillraceError('STORE_FAILED', { reason: 'the disk hiccups' })
  }
  return {
    ...writer,
    async committed() {
      await gate('committed')
      fail()
      return writer.committed()
    },
    async apply(records, upTo) {
      await gate(`apply ${records.length} up to ${upTo.offsets}`)
      fail()
      const outcome = await writer.apply(records, upTo)
      await gate(`applied up to ${upTo.offsets}`)
      return outcome
    },
    async unburied() {
      await gate('unburied')
      fail()
      return writer.unburied()
    },
    async buried(refused) {
      await gate('buried')
      fail()
      return writer.buried(refused)
    },
    async flushed() {
      await gate('flush')
      fail()
      const copy = copyOf(events)
      await gate('flushed')
      // Another owner may have flushed more meanwhile; what is on disk never becomes less.
      if (covers(copy.watermark, disk.flushed.watermark)) disk.flushed = copy
    },
    close: async () => {},
  }
}

export function createFaultyStoreReader({ disk, life, scheduler }: Omit<Options, 'faults'>) {
  const store = createMemoryEventStore(disk.events)
  const gate = (label: string): Promise<void> => scheduler.gate(life, `read.${label}`)
  async function* gated<T>(label: string, values: () => AsyncIterable<T>): AsyncIterable<T> {
    await gate(label)
    yield* values()
  }
  const reader: EventStore = {
    refresh: () => store.refresh(),
    applied: () => store.applied(),
    get: (...key) => gate('get').then(() => store.get(...key)),
    getAll: (...key) => gate('getAll').then(() => store.getAll(...key)),
    history: (request) => gate('history').then(() => store.history(request)),
    state: (...key) => gate('state').then(() => store.state(...key)),
    find: (filter) => gated('find', () => store.find(filter)),
    states: (...key) => gated('states', () => store.states(...key)),
    targets: (...key) => gated('targets', () => store.targets(...key)),
    count: (app) => store.count(app),
    health: () => store.health(),
    close: async () => {},
  }
  return reader
}
