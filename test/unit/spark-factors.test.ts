// Factors fitted by Spark: what is asked for, and what is made of the answer. Over a fake Spark.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Field, Float32, Int32, List, Table, vectorFromArray } from 'apache-arrow'
import { MillraceError } from '#ports/errors'
import type { FactorBatch } from '#ports/factor-training'
import { arrowAnswer } from '../support/fake-spark.ts'
import { fakeSpark, sessionWith } from '../support/spark-session.ts'

const PARAMETERS = { rank: 2, iterations: 3, regularisation: 0.5, alpha: 10, seed: 42 }
const FITTED = { mlCommandResult: { operatorInfo: { objRef: { id: 'm1' } } } }

const factorTable = (ids: number[], factors: number[][]): Table =>
  new Table({
    id: vectorFromArray(ids, new Int32()),
    features: vectorFromArray(factors, new List(new Field('element', new Float32(), false))),
  })

test('factors are fitted, fetched and deleted', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark)
  spark.play({ answers: [FITTED] })
  const fitted = await session.fitFactors('select user, item, rating from r', PARAMETERS)
  const first = factorTable(
    [7, 1],
    [
      [1, 2],
      [3, 4],
    ],
  )
  spark.play({
    answers: [
      arrowAnswer(first),
      arrowAnswer(factorTable([], [])),
      arrowAnswer(factorTable([5], [[5, 6]])),
    ],
  })
  const batches: FactorBatch[] = []
  for await (const batch of fitted.items()) batches.push(batch)
  assert.deepEqual(
    batches.map(({ ids, factors }) => [[...ids], [...factors]]),
    [
      [
        [7, 1],
        [1, 2, 3, 4],
      ],
      [[5], [5, 6]],
    ],
  )
  await fitted.close()
  await fitted.close()
  const [fit, fetch, remove, ...rest] = spark.asked
    .filter(([method]) => method === 'ExecutePlan')
    .map(([, plan]) => JSON.parse(JSON.stringify(plan)))
  assert.deepEqual(rest, [])
  const { estimator, params, dataset } = fit.command.mlCommand.fit
  assert.deepEqual(
    [estimator.name, estimator.type],
    ['org.apache.spark.ml.recommendation.ALS', 'OPERATOR_TYPE_ESTIMATOR'],
  )
  assert.equal(dataset.sql.query, 'select user, item, rating from r')
  assert.deepEqual(params.params, {
    ...{
      userCol: { string: 'user' },
      itemCol: { string: 'item' },
      ratingCol: { string: 'rating' },
    },
    ...{ rank: { integer: 2 }, maxIter: { integer: 3 }, regParam: { double: 0.5 } },
    ...{ implicitPrefs: { boolean: true }, alpha: { double: 10 }, seed: { long: 42 } },
  })
  const { objRef, methods } = fetch.root.mlRelation.fetch
  assert.deepEqual([objRef, methods[0].method], [{ id: 'm1' }, 'itemFactors'])
  assert.deepEqual(remove.command.mlCommand.delete, { objRefs: [{ id: 'm1' }] })
})

test('ratings that users gave have no alpha; a training without a model fails', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark)
  await assert.rejects(
    session.fitFactors('select', { ...PARAMETERS, alpha: null }),
    (error: unknown) => error instanceof MillraceError && /no model came/.test(error.message),
  )
  const [, plan] = spark.asked.at(-1) ?? []
  const { params } = JSON.parse(JSON.stringify(plan)).command.mlCommand.fit.params
  assert.deepEqual([params.alpha, params.implicitPrefs], [undefined, { boolean: false }])
})

test('a model that the server no longer has is lost', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark)
  spark.play({ answers: [FITTED] })
  const fitted = await session.fitFactors('select', PARAMETERS)
  const how = { errorClass: 'CONNECT_ML.CACHE_INVALID', message: 'evicted' }
  spark.play({ answers: [], cuts: [{ after: 0, how }] })
  const reading = fitted.users()[Symbol.asyncIterator]().next()
  await assert.rejects(
    reading,
    (error: unknown) => error instanceof MillraceError && error.code === 'SPARK_LOST',
  )
})
