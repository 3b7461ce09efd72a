// Queries and answers of the universal engine as they travel over HTTP, and the scored query that serving hands to the
// item index: one request that says everything about ranking and rules, without a name of a backend in it.
import type { Json } from './json.ts'

export interface QueryField {
  readonly name: string
  readonly values: readonly string[]
  /** < 0: must have one of the values. 0: must have none. > 0: boost (multiplies in `weighted`, adds idf in the scorings of old). */
  readonly bias: number
}

export interface QueryDateRange {
  readonly name: string
  /** Milliseconds; strict. */
  readonly after: number | null
  readonly before: number | null
}

/** What a client says that somebody did, beside what is stored of the user. */
export interface QueryEvent {
  readonly event: string
  readonly item: string
  /** Milliseconds; null: newer than everything that has a time. */
  readonly eventTime: number | null
}

/** A parsed query of the universal engine; absent members are null, so that defaults are decided in one place. */
export interface UniversalQuery {
  readonly user: string | null
  /** Newest first among those without a time. */
  readonly history: readonly QueryEvent[]
  readonly item: string | null
  readonly itemSet: readonly string[] | null
  readonly userBias: number | null
  readonly itemBias: number | null
  readonly itemSetBias: number | null
  readonly fields: readonly QueryField[]
  /** All of them must hold; empty when there is none. */
  readonly dateRange: readonly QueryDateRange[]
  readonly currentDate: number | null
  readonly blacklistItems: readonly string[]
  readonly returnSelf: boolean | null
  readonly num: number | null
  readonly from: number | null
  readonly eventNames: readonly string[] | null
  readonly withRanks: boolean
  readonly explain: boolean
}

export interface ItemScore {
  readonly item: string
  readonly score: number
  readonly ranks?: Readonly<Record<string, number>>
  readonly explanation?: Explanation
}

export interface QueryResult {
  readonly itemScores: readonly ItemScore[]
}

/** Why an item stands where it stands. */
export interface Explanation {
  /** `personal`: evidence below. `backfill`: no evidence, ordered by a ranking. */
  readonly reason: 'personal' | 'backfill'
  readonly evidence: readonly {
    readonly indicator: string
    /** The history event's target (or the query item's correlated id) that points to this item. */
    readonly id: string
    readonly weight: number
    readonly source: 'user' | 'item' | 'itemSet'
    /** When the user did it, ISO 8601; absent for item and item set, and for an event of the query without a time. */
    readonly eventTime?: string
  }[]
  readonly rules: readonly {
    readonly field: string
    readonly values: readonly string[]
    readonly bias: number
    readonly effect: string
  }[]
  readonly backfill?: { readonly ranking: string; readonly value: number; readonly why: string }
}

// ---------------------------------------------------------------------------------------------------------------
// The scored query

export const SCORINGS = ['weighted', 'global', 'es5', 'es7'] as const
/** How a version's clauses are summed: by weights, or as the Universal Recommender's stacks of old did. */
export type Scoring = (typeof SCORINGS)[number]

export interface EvidenceClause {
  readonly indicator: string
  /** Distinct ids. */
  readonly ids: readonly string[]
  /** Query weight of the whole clause (user, item or set bias), > 0. */
  readonly boost: number
  /** `must`: the item has to match at least one of the ids (negative engine bias); adds nothing to the score. */
  readonly must: boolean
  readonly source: 'user' | 'item' | 'itemSet'
}

export interface FieldRule {
  readonly field: string
  readonly values: readonly string[]
  readonly bias: number
}

/** Strict bounds on a date property, in milliseconds; an item without the property never matches. */
export interface DateRule {
  readonly field: string
  readonly after: number | null
  readonly before: number | null
  /** `<=` instead of `<` for the upper bound (available ≤ now). */
  readonly includeBefore: boolean
}

export interface ScoredQuery {
  readonly scoring: Scoring
  readonly evidence: readonly EvidenceClause[]
  readonly rules: readonly FieldRule[]
  readonly dates: readonly DateRule[]
  readonly excludeIds: readonly string[]
  readonly from: number
  readonly num: number
  /** Ranking names in sort order, all descending, missing last. The first is also the source of the prior. */
  readonly rankings: readonly string[]
  /** Properties of these names, as they are now, come with each hit (titles, userDefined ranks). */
  readonly withRanks: boolean
  readonly explain: boolean
}

export interface ScoredHit {
  readonly item: string
  readonly score: number
  /** Values of the query's rankings, where the item has them (only with `withRanks` or `explain`). */
  readonly ranks: Readonly<Record<string, number>> | null
  /** Only with `explain`: what each clause added, largest first. */
  readonly matches:
    | readonly {
        readonly indicator: string
        readonly id: string
        readonly weight: number
        readonly source: EvidenceClause['source']
      }[]
    | null
  /** Only with `explain`: indexes into `rules` of the positive rules that matched. */
  readonly rulesMatched: readonly number[] | null
}

export interface ScoredAnswer {
  readonly hits: readonly ScoredHit[]
  /** Names of what the answer lacks, for `millrace-degraded`; empty when whole. */
  readonly degraded: readonly string[]
}

export type PropertyValue = Json
