// Beside the store sink, in its thread: tells the index sink what the batch in hand touches, before it is in the store.
import type { Placed } from '#schemas/record'
import { createTouchCollector, type ItemTouches } from '../../streams/item-touches.ts'
import type { ToThread } from './streams-messages.ts'

export type TouchMessage =
  | { readonly type: 'touching'; readonly touches: readonly ItemTouches[] }
  | { readonly type: 'primary-set'; readonly revision: number }

export interface TouchTeller {
  /** The store sink takes these records in hand. */
  onRecords(records: readonly Placed[]): void
  hear(message: ToThread): void
}

export function createTouchTeller(say: (message: TouchMessage) => void): TouchTeller {
  const collector = createTouchCollector()
  let inHand: readonly Placed[] = []
  const tell = (): void => {
    const touches = collector.collect(inHand)
    if (touches.length > 0) say({ type: 'touching', touches })
  }
  return {
    onRecords: (records) => {
      inHand = records
      tell()
    },
    hear: (message) => {
      if (message.type !== 'primary') return
      collector.setPrimaryEvents(new Map(message.apps.map(([app, names]) => [app, new Set(names)])))
      // The batch in hand was looked at with the events of before, and may not be in the store when it is loaded.
      tell()
      say({ type: 'primary-set', revision: message.revision })
    },
  }
}
