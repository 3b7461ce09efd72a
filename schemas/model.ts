// A trained model as it lies in memory between trainer, files and index. Strings are numbered once; lists are rows of a
// compressed sparse matrix over typed arrays (shared memory where it crosses threads).

/** For each item (row) the correlated ids of one indicator with their weights. */
export interface IndicatorLists {
  /** Event name. */
  readonly name: string
  /** Ids the term numbers stand for: the items themselves for the primary indicator. Sorted by UTF-16 unit. */
  readonly terms: readonly string[]
  /** items + 1 starts into `term` and `weight`. */
  readonly starts: Uint32Array
  /** Term numbers; within a row by weight descending, then id. */
  readonly term: Uint32Array
  /** Weights already rounded as the index stores them (`roundWeight`), > 0. */
  readonly weight: Float32Array
}

export const RANKING_TYPES = ['popular', 'trending', 'hot', 'random', 'userDefined'] as const
export type RankingType = (typeof RANKING_TYPES)[number]

export interface RankingValues {
  /** Field name in answers and sort: `popRank`, … */
  readonly name: string
  readonly type: RankingType
  /** One value an item of `Model.items`; NaN where the item has none. */
  readonly values: Float64Array
}

export interface Model {
  /** Every id that is a document, sorted by UTF-16 unit. */
  readonly items: readonly string[]
  readonly indicators: readonly IndicatorLists[]
  /** In the configured order; userDefined ones are not here: they are live properties. */
  readonly rankings: readonly RankingValues[]
}

/** What stands beside the artefacts; everything but `trainedAt` and durations is a function of data and parameters. */
export interface Manifest {
  readonly format: 1
  readonly engineId: string
  readonly versionId: string
  readonly factory: string
  /** Where it was trained; absent in models of before there was a choice. */
  readonly place?: 'this process' | 'Spark'
  readonly trainedAt: number
  /** Clock of windows and rankings (`--as-of`). */
  readonly asOf: number
  readonly watermark: { readonly generation: number; readonly offsets: readonly number[] }
  readonly counts: Readonly<Record<string, number>>
  readonly seconds: Readonly<Record<string, number>>
  /** What whoever trained should know: sentences without an end. */
  readonly remarks?: readonly string[]
  /** Name, bytes and SHA-256 of every artefact. */
  readonly artefacts: readonly {
    readonly name: string
    readonly bytes: number
    readonly sha256: string
  }[]
}
