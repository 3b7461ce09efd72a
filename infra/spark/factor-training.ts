// Spark's own alternating least squares, by its machine learning over Connect.
import type { FactorBatch, FactorParameters, FactorTraining } from '#ports/factor-training'
import type { SqlOptions } from '#ports/sql-session'
import { decodeFactors } from './connect/arrow-factors.ts'
import type { Arrow } from './connect/arrow-rows.ts'
import type { Caller } from './connect/caller.ts'
import type { Literal } from './connect/client.ts'
import { RpcFailure } from './connect/errors.ts'
import { runOperation } from './connect/operation.ts'
import { deletePlan, factorRows, fitPlan, queryPlan, sqlRows } from './connect/plans.ts'

const ESTIMATOR = 'org.apache.spark.ml.recommendation.ALS'

export function createFactorTraining(caller: Caller, arrow: Arrow): FactorTraining {
  async function* factors(
    model: string,
    whose: 'userFactors' | 'itemFactors',
    options?: SqlOptions,
  ): AsyncGenerator<FactorBatch> {
    const plan = queryPlan(factorRows(model, whose))
    for await (const { arrowBatch } of runOperation(caller, plan, options)) {
      if (arrowBatch !== undefined) yield* decodeFactors(arrow, arrowBatch.data)
    }
  }
  const remove = async (model: string): Promise<void> => {
    for await (const answer of runOperation(caller, deletePlan(model))) void answer
  }
  return {
    fitFactors: async (query, parameters, options) => {
      const plan = fitPlan(ESTIMATOR, caller.uuid(), literals(parameters), sqlRows(query))
      let model: string | undefined
      for await (const { mlCommandResult } of runOperation(caller, plan, options)) {
        model ??= mlCommandResult?.operatorInfo?.objRef?.id
      }
      if (model === undefined) {
        throw await caller.explain(new RpcFailure('INTERNAL', 'no model came of the training'))
      }
      const id = model
      let closed: Promise<void> | null = null
      return {
        users: (how) => factors(id, 'userFactors', how),
        items: (how) => factors(id, 'itemFactors', how),
        close: () => {
          closed ??= remove(id)
          return closed
        },
      }
    },
  }
}

/** The parameters by Spark's names. */
function literals(parameters: FactorParameters): Readonly<Record<string, Literal>> {
  const { rank, iterations, regularisation, alpha, seed } = parameters
  return {
    userCol: { string: 'user' },
    itemCol: { string: 'item' },
    ratingCol: { string: 'rating' },
    rank: { integer: rank },
    maxIter: { integer: iterations },
    regParam: { double: regularisation },
    implicitPrefs: { boolean: alpha !== null },
    ...(alpha === null ? {} : { alpha: { double: alpha } }),
    seed: { long: seed },
  }
}
