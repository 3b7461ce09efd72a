// From the event store to the item index: everything of an app, or what a batch touched.
import type { EventStore } from '#ports/event-store'
import { allStates, allTargets, touchedChanges } from './item-changes.ts'
import type { ItemTouches } from './item-touches.ts'
import { createItemWriter, type ItemWriterOptions } from './item-writer.ts'

export interface ItemFillerOptions extends Omit<ItemWriterOptions, 'place'> {
  readonly store: EventStore
  readonly primaryEvents: (app: number) => Iterable<string>
}

/** What batches touched and has not been applied, each item once. */
export interface WaitingItems {
  reset: boolean
  readonly states: Set<string>
  readonly seen: Map<string, Set<string>>
}

export type Waiting = Map<number, WaitingItems>

export interface ItemFiller {
  /** States and targets of apps, from the store as it is now. */
  load(apps: readonly number[]): Promise<void>
  loadTargets(app: number, event: string): Promise<void>
  apply(batch: Waiting): Promise<void>
  /** Loads an app whose index stopped; false when it stopped again. */
  refill(app: number): Promise<boolean>
}

export function createItemFiller(options: ItemFillerOptions): ItemFiller {
  const { store, index, primaryEvents } = options
  const writer = createItemWriter({ ...options, place: () => store.applied() })
  const loadApp = async (app: number): Promise<void> => {
    await writer.write(app, allStates(store, app))
    for (const event of primaryEvents(app)) await writer.write(app, allTargets(store, app, event))
  }
  return {
    load: async (apps) => {
      for (const app of apps) await loadApp(app)
    },
    loadTargets: (app, event) => writer.write(app, allTargets(store, app, event)),
    apply: async (batch) => {
      for (const [app, touched] of batch) {
        if (touched.reset) {
          await index.clearItems(app)
          // Another process may have told the index since this turn began, and that was cleared too: it is in the store.
          store.refresh()
          await loadApp(app)
        } else await writer.write(app, touchedChanges(store, app, touched))
      }
    },
    refill: async (app) => {
      writer.restart(app)
      await loadApp(app)
      return !writer.isStopped(app)
    },
  }
}

export function mergeTouches(waiting: Waiting, touches: ItemTouches): void {
  let mine = waiting.get(touches.app)
  if (mine === undefined) {
    mine = { reset: false, states: new Set(), seen: new Map() }
    waiting.set(touches.app, mine)
  }
  mine.reset ||= touches.reset
  for (const item of touches.states) mine.states.add(item)
  for (const { event, items } of touches.seen) {
    const seen = mine.seen.get(event) ?? new Set<string>()
    mine.seen.set(event, seen)
    for (const item of items) seen.add(item)
  }
}
