// What the store says of items, as changes for the item index: always the whole state as it is now.
import type { EventStore } from '#ports/event-store'
import type { ItemChange } from '#ports/item-index'
import { DEFAULT_CHANNEL } from '#schemas/event'
import { partitionOf } from '#schemas/partition'
import { itemState } from './item-state.ts'
import { ITEM_TYPE } from './item-touches.ts'

/** Items of one app that a batch touched. */
export interface TouchedItems {
  readonly states: Iterable<string>
  readonly seen: Iterable<readonly [event: string, items: Iterable<string>]>
}

export async function* touchedChanges(
  store: EventStore,
  app: number,
  touched: TouchedItems,
): AsyncGenerator<ItemChange> {
  const applied = await store.applied()
  for (const item of touched.states) {
    const state = await store.state(app, DEFAULT_CHANNEL, ITEM_TYPE, item)
    const partition = partitionOf(app, DEFAULT_CHANNEL, ITEM_TYPE, item, applied.offsets.length)
    const offset = applied.offsets[partition] ?? 0
    yield { type: 'state', state: itemState(item, state, offset) }
  }
  for (const [event, items] of touched.seen) {
    for (const item of items) yield { type: 'seen', event, item }
  }
}

/** The states of all items of an app. */
export async function* allStates(store: EventStore, app: number): AsyncGenerator<ItemChange> {
  for await (const found of store.states(app, DEFAULT_CHANNEL, ITEM_TYPE)) {
    yield { type: 'state', state: itemState(found.entityId, found.state, found.offset) }
  }
}

/** All items that were the target of such an event. */
export async function* allTargets(
  store: EventStore,
  app: number,
  event: string,
): AsyncGenerator<ItemChange> {
  for await (const item of store.targets(app, DEFAULT_CHANNEL, event, ITEM_TYPE)) {
    yield { type: 'seen', event, item }
  }
}
