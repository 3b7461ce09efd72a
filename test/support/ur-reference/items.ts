// What the reference knows of items: their properties as `$set`, `$unset` and `$delete` leave them, by event time.
import type { Json } from '#schemas/json'
import type { ToldEvent } from '../serving-fixture.ts'

export interface Item {
  /** Ever `$set`. */
  set: boolean
  deleted: boolean
  properties: Map<string, Json>
}

export function foldItems(events: readonly ToldEvent[]): Map<string, Item> {
  const items = new Map<string, Item>()
  const special = events
    .filter(({ entityType, event }) => entityType === 'item' && event.startsWith('$'))
    .toSorted((a, b) => Date.parse(a.eventTime) - Date.parse(b.eventTime))
  for (const { event, entityId, properties = {} } of special) {
    const item = items.get(entityId) ?? { set: false, deleted: false, properties: new Map() }
    items.set(entityId, item)
    if (event === '$delete') {
      item.deleted = true
      item.properties.clear()
    } else if (event === '$set') {
      item.set = true
      item.deleted = false
      for (const [name, value] of Object.entries(properties)) item.properties.set(name, value)
    } else for (const name of Object.keys(properties)) item.properties.delete(name)
  }
  return items
}

/** The texts by which rules find a property. */
export function textsOf(item: Item | undefined, name: string): readonly string[] {
  const value = item?.properties.get(name)
  if (value === undefined) return []
  const values = Array.isArray(value) ? value : [value]
  return [...new Set(values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))))]
}

/** Milliseconds; NaN for an item without the date. */
export function dateOf(item: Item | undefined, name: string): number {
  const value = item?.properties.get(name)
  return typeof value === 'string' ? Date.parse(value) : Number.NaN
}

export type TargetedEvent = ToldEvent & { readonly targetEntityId: string }

export function isTargeted(event: ToldEvent): event is TargetedEvent {
  return event.targetEntityId !== undefined
}
