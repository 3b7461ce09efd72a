// Compares what the item index holds with what a rebuilt event store says of the same items, while both go on. The index is
// never at rest, so an item that differs is looked at again after the rebuilt version was brought to the log's end and the
// index has applied as much. One whose state the index has folded further than that is on the move, and is asked about
// once more; one that differs twice although the index claims no more than the rebuilt version has, differs.
import { type HeldItem, type ItemPage, NOTHING_HELD } from '#ports/held-items'
import { DEFAULT_CHANNEL } from '#schemas/event'
import { partitionOf } from '#schemas/partition'
import type { Watermark } from '#schemas/position'
import type { DifferenceCollector, DifferenceKind } from './differences.ts'
import { ITEM_TYPE } from './item-touches.ts'

const PAGE = 500
/** Items that are looked at again; more than that differ as they are. */
const SUSPECTS_MAX = 10_000
const ROUNDS_MAX = 10
const CONFIRMATIONS = 2
/** Characters of a content that an example shows. */
const SHOWN_MAX = 500

export interface CompareIndexOptions {
  readonly apps: readonly { readonly app: number; readonly primaryEvents: readonly string[] }[]
  readonly live: {
    held(app: number, items: readonly string[]): Promise<readonly HeldItem[]>
    list(app: number, from: number, limit: number): Promise<ItemPage>
  }
  readonly rebuilt: {
    held(app: number, items: readonly string[]): Promise<readonly HeldItem[]>
    /** Every item that the store knows of, in pages. */
    list(app: number, limit: number): AsyncIterable<readonly string[]>
  }
  /** Brings the rebuilt version on; resolves with its place when the index has applied as much. */
  readonly settle: () => Promise<Watermark>
  readonly differences: DifferenceCollector
  readonly signal: AbortSignal
}

export interface IndexCompared {
  readonly items: number
  /** Items that changed all the time. */
  readonly unsettled: number
}

interface Suspect {
  readonly app: number
  readonly live: HeldItem
  readonly rebuilt: HeldItem
  confirmed: number
}

/** @throws what the signal aborts with */
export async function compareIndex(options: CompareIndexOptions): Promise<IndexCompared> {
  const { apps, live, rebuilt, settle, differences, signal } = options
  let items = 0
  const suspects: Suspect[] = []
  const look = async (app: number, page: readonly string[]): Promise<Suspect[]> => {
    signal.throwIfAborted()
    const [mine, theirs] = await Promise.all([live.held(app, page), rebuilt.held(app, page)])
    return mine.flatMap((held, i) => {
      const other = theirs[i] as HeldItem
      return held.content === other.content ? [] : { app, live: held, rebuilt: other, confirmed: 0 }
    })
  }
  const suspect = (found: readonly Suspect[]): void => {
    for (const one of found) {
      if (suspects.length < SUSPECTS_MAX) suspects.push(one)
      else report(differences, one)
    }
  }
  await settle()
  for (const { app } of apps) {
    for await (const page of rebuilt.list(app, PAGE)) {
      items += page.length
      suspect(await look(app, page))
    }
    for (let from: number | null = 0; from !== null; ) {
      const page: ItemPage = await live.list(app, from, PAGE)
      // What the store knows of was looked at above.
      suspect((await look(app, page.items)).filter((one) => one.rebuilt.content === NOTHING_HELD))
      from = page.next
    }
  }
  let left = suspects
  for (let round = 0; round < ROUNDS_MAX && left.length > 0; round++) {
    const place = await settle()
    left = await lookAgain(left, look, place, differences)
  }
  return { items, unsettled: left.length }
}

/** Those that are still to be looked at. */
async function lookAgain(
  suspects: readonly Suspect[],
  look: (app: number, page: readonly string[]) => Promise<Suspect[]>,
  place: Watermark,
  differences: DifferenceCollector,
): Promise<Suspect[]> {
  const left: Suspect[] = []
  for (const [app, its] of Map.groupBy(suspects, (one) => one.app)) {
    for (let at = 0; at < its.length; at += PAGE) {
      const before = new Map(its.slice(at, at + PAGE).map((one) => [one.live.item, one.confirmed]))
      for (const one of await look(app, [...before.keys()])) {
        const confirmed = (before.get(one.live.item) ?? 0) + (isOnTheMove(one, place) ? 0 : 1)
        if (confirmed < CONFIRMATIONS) left.push({ ...one, confirmed })
        else report(differences, one)
      }
    }
  }
  return left
}

function isOnTheMove({ app, live }: Suspect, { offsets }: Watermark): boolean {
  const p = partitionOf(app, DEFAULT_CHANNEL, ITEM_TYPE, live.item, offsets.length)
  return live.offset > (offsets[p] ?? 0)
}

function report(differences: DifferenceCollector, { app, live, rebuilt }: Suspect): void {
  const how =
    live.content === NOTHING_HELD ? 'missing' : rebuilt.content === NOTHING_HELD ? 'extra' : 'other'
  differences.add(`index-${how}` satisfies DifferenceKind, app, () => ({
    item: live.item,
    live: live.content.slice(0, SHOWN_MAX),
    rebuilt: rebuilt.content.slice(0, SHOWN_MAX),
  }))
}
