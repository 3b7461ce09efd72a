// What the item index is told about an item, of the state that the event store has of it.
import { exists, isDeleted, parsedProperties } from '#schemas/entity-state'
import type { EntityState, ItemState } from '#schemas/state'

/** `state` is null when the store has none; it is folded up to `offset`. */
export function itemState(item: string, state: EntityState | null, offset: number): ItemState {
  if (state === null) return { item, offset, exists: false, deleted: false, properties: {} }
  return {
    item,
    offset,
    exists: exists(state),
    deleted: isDeleted(state),
    properties: parsedProperties(state),
  }
}
