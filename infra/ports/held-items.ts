// What an item index holds of an app's items, to be compared with what the event store says. Indexes in this process's
// memory tell it.
export interface HeldItem {
  readonly item: string
  /** Offset up to which the state is folded; -1 when none was told. */
  readonly offset: number
  /** Equal in two indexes when they hold the same of the item. */
  readonly content: string
}

export interface HeldItems {
  /** In the order asked for. Of what was seen only these events count. */
  heldItems(app: number, items: readonly string[], events: readonly string[]): readonly HeldItem[]
  /** Ids of items in an order of its own, from the `from`th on; `next` is null behind the last. */
  listItems(app: number, from: number, limit: number): ItemPage
}

export interface ItemPage {
  readonly items: readonly string[]
  readonly next: number | null
}

/** The content of an item of which nothing is known. */
export const NOTHING_HELD = '[false,[],[]]'
