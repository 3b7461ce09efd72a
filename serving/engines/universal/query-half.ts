// The universal engine's query half: body → query → recommendation → text.
import type { Engine, ModelVersion } from '#schemas/directory'
import type { UniversalParams } from '#schemas/engines/universal'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { UniversalQuery } from '#schemas/query'
import type { QueryAnswer, QueryHalf, QueryHalfDeps } from '../query-half.ts'
import { writeAnswer } from './answer.ts'
import { HARNESS_NAMES, harnessQuery, writeHarnessAnswer } from './harness.ts'
import { parseUniversalQuery } from './query.ts'
import { createRecommender } from './recommend.ts'

export function createUniversalQueryHalf(
  engine: Engine,
  version: ModelVersion,
  deps: QueryHalfDeps,
): QueryHalf {
  const params = queryParams(engine, version)
  const recommender = createRecommender({
    ...deps,
    app: engine.appId,
    engineId: engine.id,
    versionId: version.id,
    params,
  })
  const known = [...params.indicators.flatMap(({ events }) => events), ...params.blacklistEvents]
  const unknownEvents = (where: string, names: Iterable<string>): string[] =>
    Array.from(names)
      .filter((name) => !known.includes(name))
      .map((name) => `${where}: ${name} is no indicator of this engine`)
  const warningsOf = (
    { eventNames, history }: UniversalQuery,
    others: readonly string[],
    member = 'eventNames',
  ) => {
    if (eventNames === null && history.length === 0) return others
    const told = new Set(history.map(({ event }) => event))
    return [
      ...others,
      ...unknownEvents(member, eventNames ?? []),
      ...unknownEvents('history', told),
    ]
  }
  async function answerHarness(body: unknown, deadline: number): Promise<QueryAnswer> {
    const { query, warnings } = parseUniversalQuery(body, HARNESS_NAMES)
    const recommendation = await recommender.recommend(harnessQuery(query), deadline)
    return {
      body: writeHarnessAnswer(recommendation),
      degraded: recommendation.degraded,
      warnings: warningsOf(query, warnings, HARNESS_NAMES.eventNames),
    }
  }
  return {
    async answer(body, deadline) {
      if (params.compatibility === 'harness-0.6') return answerHarness(body, deadline)
      const { query, warnings } = parseUniversalQuery(body)
      const recommendation = await recommender.recommend(query, deadline)
      return {
        body: writeAnswer(recommendation, query.withRanks),
        degraded: recommendation.degraded,
        warnings: warningsOf(query, warnings),
      }
    },
  }
}

/**
 * The engine's newest parameters, but what the model was made with where a query depends on it: a version that was
 * trained as `weighted` has no meaning under `global`, and an indicator it does not know no lists.
 */
export function queryParams(engine: Engine, version: ModelVersion): UniversalParams {
  const newest = parseUniversal(engine.variant)
  const trained = parseUniversal(version.variant)
  const { indicators, minEventsPerUser, scoring, weights, rankings, recsModel, seed } = trained
  // The semantics that a scoring brings with it must not come before the model that has the scoring.
  const { compatibility, oldQueryLimit } = newest.scoring === scoring ? newest : trained
  return {
    ...newest,
    indicators,
    minEventsPerUser,
    scoring,
    weights,
    compatibility,
    oldQueryLimit,
    rankings,
    recsModel,
    seed,
  }
}
