// The path of one query: one history read and the item's lists beside it, one plan, one scored query.
//
//   query ─▶ history (budget) ─┬▶ plan ─▶ index.search ─▶ hits, with reasons if asked
//         ─▶ lists of the item ┘
import { asMillraceError } from '#ports/errors'
import type { HistoryEvent } from '#ports/event-store'
import type { ItemLists } from '#ports/item-index'
import type { UniversalParams } from '#schemas/engines/universal'
import type {
  Explanation,
  ScoredAnswer,
  ScoredHit,
  ScoredQuery,
  UniversalQuery,
} from '#schemas/query'
import { TOO_LATE } from '../../deadline.ts'
import type { QueryHalfDeps } from '../query-half.ts'
import { eventTimes, explainHit } from './explain.ts'
import { withoutBackfill } from './harness.ts'
import { createHistoryReader, createHistoryReading, mergedHistory } from './history.ts'
import { planQuery } from './plan.ts'

export interface Recommendation {
  readonly hits: readonly ScoredHit[]
  /** One a hit, in the order of hits; null unless the query asked. */
  readonly explanations: readonly Explanation[] | null
  readonly degraded: readonly string[]
}

export interface RecommenderOptions extends QueryHalfDeps {
  readonly app: number
  readonly engineId: string
  readonly versionId: string
  readonly params: UniversalParams
}

export interface Recommender {
  /**
   * @param deadline on the monotonic clock; a history that is not there by then is left out, and named in `degraded`
   * @throws MillraceError of the item index
   */
  recommend(query: UniversalQuery, deadline: number): Promise<Recommendation>
}

const NO_HISTORY: readonly HistoryEvent[] = []
const WHOLE: readonly string[] = []
const WITHOUT_HISTORY: readonly string[] = ['history']
const WITHOUT_INDEX: ScoredAnswer = { hits: [], degraded: ['index'] }

export function createRecommender(options: RecommenderOptions): Recommender {
  const { app, clock, deadlines, engineId, index, params, store, telemetry, versionId } = options
  const reader = createHistoryReader(store, app, params)
  const readingOf = createHistoryReading(params)

  /** The user's history, or null when it cannot be had in time. */
  async function historyOf(
    user: string,
    query: UniversalQuery,
    deadline: number,
  ): Promise<readonly HistoryEvent[] | null> {
    try {
      const left = Math.max(0, deadline - clock.monotonic())
      const history = await deadlines.within(reader.read(user, query), left)
      if (history !== TOO_LATE) return history
      telemetry.log('warn', 'query-history-too-late', { engine: engineId })
    } catch (error) {
      const { code, message } = asMillraceError(error)
      telemetry.log('error', 'query-history-failed', { engine: engineId, code, reason: message })
    }
    return null
  }

  /** What the index answers, or null when it does not: then nothing can be recommended, and the answer says so. */
  async function fromIndex<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer
    } catch (error) {
      const { code, message } = asMillraceError(error)
      if (code !== 'INDEX_UNAVAILABLE') throw error
      telemetry.log('warn', 'query-index-away', { engine: engineId, reason: message })
      return null
    }
  }

  async function listsOf(item: string): Promise<ItemLists | null> {
    const lists = await fromIndex(index.lists(engineId, versionId, [item]))
    return lists?.[0] ?? null
  }

  return {
    async recommend(query, deadline) {
      let history: readonly HistoryEvent[] | null = NO_HISTORY
      let lists: ItemLists | null = null
      if (query.item === null) {
        if (query.user !== null) history = await historyOf(query.user, query, deadline)
      } else {
        const read = query.user === null ? NO_HISTORY : historyOf(query.user, query, deadline)
        ;[history, lists] = await Promise.all([read, listsOf(query.item)])
      }
      const now = clock.now()
      const known = readingOf(mergedHistory(history ?? NO_HISTORY, query.history), now)
      const scored = planQuery({ params, query, history: known, lists, now })
      const answer = (await fromIndex(index.search(engineId, versionId, scored))) ?? WITHOUT_INDEX
      const hits = shownHits(params, scored, answer.hits)
      let degraded = history === null ? WITHOUT_HISTORY : WHOLE
      if (answer.degraded.length > 0) degraded = [...degraded, ...answer.degraded]
      let explanations: Explanation[] | null = null
      if (query.explain) {
        const times = eventTimes(known)
        const input = { params, query, scored, history: known, degraded }
        explanations = hits.map((hit) => explainHit(input, times, hit))
      }
      return { hits, explanations, degraded }
    },
  }
}

/** Hits that nothing but a ranking brought, or nothing at all, are left out where the engine shows none. */
function shownHits(
  { compatibility, recsModel }: UniversalParams,
  scored: ScoredQuery,
  hits: readonly ScoredHit[],
): readonly ScoredHit[] {
  if (compatibility === 'harness-0.6') return withoutBackfill(scored, hits)
  if (compatibility === 'ur-0.7' || recsModel !== 'collabFiltering') return hits
  return scored.evidence.some(({ must }) => must) ? hits : hits.filter(({ score }) => score > 0)
}
