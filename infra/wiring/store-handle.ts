// The event store that everything in this process reads, while the version behind it may be replaced by another. Reads that
// have begun finish on the version they began on; it is closed when the last of them is over.
import type { EventStore } from '#ports/event-store'

export interface StoreHandle extends EventStore {
  /** Reads from now on go to `next`. Resolves when the version before is closed. */
  replace(next: EventStore): Promise<void>
}

/** A version and the streams of rows that are being read from it; other reads are done when they return. */
interface Held {
  readonly store: EventStore
  streams: number
  /** Set when it was replaced: called at the end of its last stream. */
  idle: (() => void) | null
}

const held = (store: EventStore): Held => ({ store, streams: 0, idle: null })

export function createStoreHandle(first: EventStore): StoreHandle {
  let current = held(first)
  async function* stream<T>(read: (store: EventStore) => AsyncIterable<T>): AsyncGenerator<T> {
    const mine = current
    mine.streams++
    try {
      yield* read(mine.store)
    } finally {
      mine.streams--
      if (mine.streams === 0) mine.idle?.()
    }
  }
  return {
    refresh: () => current.store.refresh(),
    applied: () => current.store.applied(),
    get: (app, channel, eventId) => current.store.get(app, channel, eventId),
    getAll: (app, channel, eventId) => current.store.getAll(app, channel, eventId),
    find: (filter) => stream((store) => store.find(filter)),
    history: (request) => current.store.history(request),
    state: (app, channel, type, id) => current.store.state(app, channel, type, id),
    states: (app, channel, type) => stream((store) => store.states(app, channel, type)),
    targets: (app, channel, event, type) =>
      stream((store) => store.targets(app, channel, event, type)),
    count: (app) => current.store.count(app),
    health: () => current.store.health(),
    close: () => current.store.close(),
    replace: async (next) => {
      const before = current
      current = held(next)
      if (before.streams > 0) {
        await new Promise<void>((resolve) => {
          before.idle = resolve
        })
      }
      await before.store.close()
    },
  }
}
