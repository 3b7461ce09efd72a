// The documents of a version: the model's items, items with properties, and items seen as targets of its primary event.
// Once the app's items were forgotten, the model's items are documents only when they are told again.
// Those that are not deleted are live, and may be returned. Everything here follows each change of the app's items.
import type { IndexVersion } from '#ports/item-index'
import { Bitset } from './bitset.ts'
import { grownFloat64 } from './grow.ts'
import type { IndexRanking } from './index-version.ts'
import type { ItemTable } from './item-table.ts'
import { type Compare, mergeSorted } from './merge-sorted.ts'
import type { Rows } from './postings.ts'
import { RankOrder } from './rank-order.ts'
import type { Shards } from './shards.ts'
import { runAtOnce, SLICE, type Steps } from './steps.ts'

export interface Documents {
  readonly live: Bitset
  has(item: number): boolean
  /** From now on the model's items are documents only as others are. */
  forgetModelItems(): void
  /** The documents (deleted ones among them) in order of these rankings, and then of their shards or at once of their ids. */
  order(rankings: readonly string[], byShard: boolean): RankOrder
  /** Stops following the changes of the app's items. */
  detach(): void
}

interface Followed {
  readonly version: IndexVersion
  readonly table: ItemTable
  readonly rows: Rows
  readonly rankings: ReadonlyMap<string, IndexRanking>
  readonly shards: Shards
}

/** Orders kept a version: all queries of one engine ask for the same one. */
const ORDERS_MAX = 4

/** Ends the key of an order that goes on by shard; no name has it. */
const BY_SHARD = '\n\n'

/** Items sorted with one call of the library's sort. */
const CHUNK = 1 << 13

/** Collects the documents as they are now, and sorts them by the version's rankings; follows changes at once. */
export function* followDocuments(followed: Followed): Steps<Documents> {
  const { version, table, rankings } = followed
  const { rowOf } = followed.rows
  const live = new Bitset(table.size)
  const orders = new Map<string, RankOrder>()
  /** Documents that are no items of the model. */
  const others = new Set<number>()
  /** Changed while the first order is being sorted in slices. */
  const changed = new Set<number>()
  const liveRankings = version.userDefinedRankings.flatMap((name) => rankings.get(name) ?? [])

  let modelItemsCount = true

  const has = (item: number): boolean =>
    (modelItemsCount && isModelItem(rowOf, item)) ||
    table.described.has(item) ||
    version.primaryEvents.some((event) => table.wasSeen(event, item))
  const follow = (item: number): void => {
    const document = has(item)
    live.put(item, document && !table.deleted.has(item))
    // An item that is no document any more keeps its place in the orders, and that must be the right one.
    if (refreshRankings(liveRankings, table, item)) {
      for (const order of orders.values()) order.move(item)
    }
    if (!document) return
    if (!isModelItem(rowOf, item)) others.add(item)
    for (const order of orders.values()) order.add(item)
  }
  const followChange = (item: number): void => {
    follow(item)
    if (orders.size === 0) changed.add(item)
  }
  const forgetModelItems = (): void => {
    modelItemsCount = false
    for (let item = 0; item < table.size; item++) followChange(item)
  }
  const listener = { changed: followChange, cleared: forgetModelItems }
  table.listen(listener)
  let isReady = false
  try {
    for (let item = 0; item < table.size; item++) {
      follow(item)
      if (item % SLICE === SLICE - 1) yield
    }
    const names = [...rankings.keys()]
    const order = yield* buildOrder(followed, others, names, false)
    for (const item of others) order.add(item)
    for (const item of changed) order.move(item)
    orders.set(names.join('\n'), order)
    isReady = true
  } finally {
    if (!isReady) table.unlisten(listener)
  }
  return {
    live,
    has,
    forgetModelItems,
    detach: () => table.unlisten(listener),
    order: (rankingNames, byShard) => {
      const key = rankingNames.join('\n') + (byShard ? BY_SHARD : '')
      let found = orders.get(key)
      if (found === undefined) {
        found = runAtOnce(buildOrder(followed, others, rankingNames, byShard))
        const [oldest] = orders.keys()
        if (orders.size >= ORDERS_MAX && oldest !== undefined) orders.delete(oldest)
        orders.set(key, found)
      }
      return found
    },
  }
}

function isModelItem(rowOf: Int32Array, item: number): boolean {
  return item < rowOf.length && (rowOf[item] as number) >= 0
}

/** Takes the values of live rankings over; true when one of them changed. */
function refreshRankings(
  rankings: readonly IndexRanking[],
  table: ItemTable,
  item: number,
): boolean {
  let changed = false
  for (const ranking of rankings) {
    const value = table.column(ranking.name)?.number(item) ?? Number.NaN
    const before = item < ranking.values.length ? ranking.values[item] : Number.NaN
    if (Object.is(value, before)) continue
    ranking.values = grownFloat64(ranking.values, item + 1, Number.NaN)
    ranking.values[item] = value
    changed = true
  }
  return changed
}

function* buildOrder(
  { table, rows, rankings, shards }: Followed,
  others: ReadonlySet<number>,
  names: readonly string[],
  byShard: boolean,
): Steps<RankOrder> {
  const byId: Compare = (a, b) => ((table.ids[a] as string) < (table.ids[b] as string) ? -1 : 1)
  const rest = yield* sortInChunks([...others], byId)
  const items = mergeSorted(rows.itemOf, rest, byId)
  yield
  const sorters: { values: Float64Array }[] = names.flatMap((name) => rankings.get(name) ?? [])
  if (byShard) sorters.push(shards)
  return yield* RankOrder.build(items, sorters, table.ids)
}

function* sortInChunks(items: number[], compare: Compare): Steps<Uint32Array> {
  let runs: Uint32Array[] = []
  for (let i = 0; i < items.length; i += CHUNK) {
    runs.push(Uint32Array.from(items.slice(i, i + CHUNK).sort(compare)))
    yield
  }
  while (runs.length > 1) {
    const merged: Uint32Array[] = []
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(mergeSorted(runs[i] as Uint32Array, runs[i + 1] ?? new Uint32Array(0), compare))
      yield
    }
    runs = merged
  }
  return runs[0] ?? new Uint32Array(0)
}
