// The item index: per model version the indicator lists, rankings and the states of the app's items, answering one scored
// query a request. States are told once an app; a backend that keeps them per version copies them itself.
//
// For implementers
// - a state of a lower offset never replaces one of a higher.
// - scores: `weighted` = Σ over matching (clause, id) of boost · weight, summed in double, plus the prior clause
//   (`PRIOR_WEIGHT` · value / sum of the first ranking, rounded by `roundWeight`), rounded to float32 once; then the product
//   of the matching positive rules' biases, in double, rounded to float32. `global` = Σ bias · idf as contract §5.4 gives it, with
//   statistics over all documents of the version. `es5` = the same with the statistics of a document's shard (of five, by
//   murmur3 of its id); `es7` = BM25 without norms in one shard, each term once with its boosts added.
// - order: score descending, then each ranking descending (missing last), in `es5` then shard ascending, then item id
//   ascending by UTF-16 unit.
// - a deleted item, and one that fails a rule, a date or the exclude list, is never returned.
import type { Model } from '#schemas/model'
import type { ScoredAnswer, ScoredQuery } from '#schemas/query'
import type { ItemState } from '#schemas/state'
import type { Closable, HealthSource } from './lifecycle.ts'

export const PRIOR_WEIGHT = 1e-6

export type ItemChange =
  | { readonly type: 'state'; readonly state: ItemState }
  /** The item was the target of such an event: visible in engines whose primary indicator it is. */
  | { readonly type: 'seen'; readonly event: string; readonly item: string }

/** An item's change that the index refuses for good: a field it cannot map, too many fields. */
export interface ItemRefusal {
  readonly item: string
  readonly reason: string
}

export interface IndexVersion {
  readonly app: number
  readonly engineId: string
  readonly versionId: string
  /** Items that were targets of one of them are documents too. */
  readonly primaryEvents: readonly string[]
  /** Names of rankings that are live item properties (numbers). */
  readonly userDefinedRankings: readonly string[]
}

export interface PublishOptions {
  readonly onlyTold?: boolean
}

/** One item's lists, for queries by item and item set. */
export interface ItemLists {
  readonly item: string
  readonly lists: readonly {
    readonly indicator: string
    readonly ids: readonly string[]
    readonly weights: readonly number[]
  }[]
}

export interface ItemIndex extends Closable, HealthSource {
  /**
   * Applies changes of an app's items in the order given. Searches see them after the next `refresh`. Resolves with the
   * items it will never take as they are; what may work the next time is a rejection, and all changes are handed over again.
   */
  applyItems(app: number, changes: readonly ItemChange[]): Promise<readonly ItemRefusal[]>
  /**
   * Forgets all that was told of an app's items (its data were deleted, or will be told anew). Versions stay, without
   * documents: an item of a model is one again, with its lists and rankings, when it is told again.
   */
  clearItems(app: number): Promise<void>
  /**
   * Makes what was applied and cleared before visible to searches. The sink calls it before it moves its watermark; it may
   * wait a little, so that many batches share one refresh.
   */
  refresh(): Promise<void>
  /**
   * Builds and opens a version beside the others; it is searchable when the promise resolves. Replaces one of the same id.
   * With `onlyTold` an item of the model is a document only when it was told: for a model that may be older than a deletion
   * of the app's data.
   */
  publish(version: IndexVersion, model: Model, options?: PublishOptions): Promise<void>
  /** Drops a version; searches that already run on it finish. */
  retire(engineId: string, versionId: string): Promise<void>
  versions(): readonly IndexVersion[]
  /** @throws MillraceError INDEX_VERSION_UNKNOWN */
  search(engineId: string, versionId: string, query: ScoredQuery): Promise<ScoredAnswer>
  /** Lists of items; unknown ones are left out. @throws MillraceError INDEX_VERSION_UNKNOWN */
  lists(
    engineId: string,
    versionId: string,
    items: readonly string[],
  ): Promise<readonly ItemLists[]>
}
