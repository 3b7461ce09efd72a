// Parameters of the universal engine, as the trainer, the planner and the index sink use them: every default filled in,
// every name the newest one. `universal-parse.ts` makes them of an engine.json.

import type { RankingType } from '../model.ts'
import type { Scoring } from '../query.ts'

export const UNIVERSAL = 'universal'

/** `engineFactory` names under which old engine.json files ask for this engine. */
export const UNIVERSAL_ALIASES = [
  'universal',
  'com.actionml.RecommendationEngine',
  'com.actionml.engines.ur.UREngine',
  'org.template.RecommendationEngine',
] as const

export const WEIGHTS = ['acos', 'llr'] as const
/** How a `weighted` model chooses and weighs correlated ids; `cosine` and `ease` are named in errors until they are built. */
export type Weights = (typeof WEIGHTS)[number]

export const COMPATIBILITIES = ['none', 'ur-0.7', 'harness-0.6'] as const
/** Whose query semantics hold: ours, the Universal Recommender's with its quirks, or Harness' (names and replies too). */
export type Compatibility = (typeof COMPATIBILITIES)[number]

export const ITEM_TYPE = 'item'
export const USER_TYPE = 'user'

/** Ids of one user that count at most, whatever engine.json says. */
export const ITEMS_PER_USER_MAX = 100_000

export const RECS_MODELS = ['all', 'collabFiltering', 'backfill'] as const
/** What is recommended: all; only what evidence points to; only what the rankings have, the lists staying as they are. */
export type RecsModel = (typeof RECS_MODELS)[number]

export interface Indicator {
  /** The first indicator is the primary one: its targets are what is recommended. */
  readonly name: string
  /** Names of the events that are its evidence: its own, and its aliases. */
  readonly events: readonly string[]
  /** Newest distinct ids of a user that count in training. */
  readonly maxItemsPerUser: number
  /** The same in a query; in the semantics of old events, of which the ids count. */
  readonly maxQueryItems: number
  readonly maxCorrelatorsPerItem: number
  readonly minLlr: number | null
}

export interface Ranking {
  readonly name: string
  readonly type: RankingType
  readonly eventNames: readonly string[]
  /** Length of the window that ends at `offsetDate` or now, milliseconds. */
  readonly duration: number
  readonly offsetDate: number | null
}

export interface FieldDefault {
  readonly name: string
  readonly values: readonly string[]
  readonly bias: number
}

export interface EventWindow {
  /** Milliseconds: events that are older do not count. null: all do. */
  readonly duration: number | null
  /** Events of one name by one user on one item are one event. */
  readonly removeDuplicates: boolean
}

export interface UniversalParams {
  readonly appName: string
  readonly indicators: readonly [Indicator, ...Indicator[]]
  readonly minEventsPerUser: number
  readonly scoring: Scoring
  readonly weights: Weights
  readonly compatibility: Compatibility
  readonly num: number
  readonly blacklistEvents: readonly string[]
  readonly userBias: number
  readonly itemBias: number
  readonly itemSetBias: number
  readonly returnSelf: boolean
  readonly fields: readonly FieldDefault[]
  /** None where only evidence counts. */
  readonly rankings: readonly Ranking[]
  readonly recsModel: RecsModel
  readonly eventWindow: EventWindow
  /** Lists of a query are cut before this by the old engine; null: they are not. */
  readonly oldQueryLimit: number | null
  readonly availableDateName: string | null
  readonly expireDateName: string | null
  readonly dateName: string | null
  readonly seed: number
}
