// What the item index would hold if it were made from a rebuilt version of the event store.
import type { HeldItem } from '#ports/held-items'
import type { ItemChange } from '#ports/item-index'
import { silentTelemetry } from '#ports/telemetry'
import { DEFAULT_CHANNEL } from '#schemas/event'
import { itemState } from '../../streams/item-state.ts'
import { ITEM_TYPE } from '../../streams/item-touches.ts'
import type { Tables } from '../embedded/event-store/environment.ts'
import { createReading } from '../embedded/event-store/reading.ts'
import { readState, readStates, readTargets, wasTarget } from '../embedded/event-store/scans.ts'
import { createItemIndex } from '../embedded/item-index.ts'
import type { AppItems } from './replay-talk.ts'

/** The pages asked for are put into an index of their own, one after the other. */
export function rebuiltItems(tables: Tables, items: readonly AppItems[]) {
  const index = createItemIndex({ telemetry: silentTelemetry })
  const eventsOf = (app: number): readonly string[] =>
    items.find((its) => its.app === app)?.primaryEvents ?? []
  return {
    held: async (app: number, page: readonly string[]): Promise<readonly HeldItem[]> => {
      const reading = createReading(tables)
      const changes = page.flatMap((item): ItemChange[] => {
        const state = readState(reading, app, DEFAULT_CHANNEL, ITEM_TYPE, item)
        const seen = eventsOf(app)
          .filter((event) => wasTarget(reading, app, DEFAULT_CHANNEL, event, ITEM_TYPE, item))
          .map((event): ItemChange => ({ type: 'seen', event, item }))
        return state === null
          ? seen
          : [{ type: 'state', state: itemState(item, state, 0) }, ...seen]
      })
      await index.applyItems(app, changes)
      const held = index.heldItems(app, page, eventsOf(app))
      await index.clearItems(app)
      return held
    },
    list: async function* list(app: number, limit: number): AsyncGenerator<readonly string[]> {
      const reading = createReading(tables)
      let page: string[] = []
      const ids = async function* all(): AsyncGenerator<string> {
        const states = readStates(reading, app, DEFAULT_CHANNEL, ITEM_TYPE)
        for await (const { entityId } of states) yield entityId
        for (const event of eventsOf(app)) {
          yield* readTargets(reading, app, DEFAULT_CHANNEL, event, ITEM_TYPE)
        }
      }
      for await (const id of ids()) {
        page.push(id)
        if (page.length < limit) continue
        yield page
        page = []
      }
      if (page.length > 0) yield page
    },
  }
}
