import type { EventStore } from '#ports/event-store'
import { parsedProperties } from '#schemas/entity-state'

/** Title and year of a film, from its properties in the event store; the id when it has none. */
export type Titles = (item: string) => Promise<string>

export function createTitles(store: EventStore, app: number): Titles {
  return async (item) => {
    const state = await store.state(app, 0, 'item', item)
    if (state === null) return item
    const { title, year } = parsedProperties(state)
    return typeof title === 'string'
      ? `${title}${year === undefined ? '' : ` (${String(year)})`}`
      : item
  }
}
