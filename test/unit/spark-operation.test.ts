// Operations on a fake Spark whose streams end early, break and hang: every row comes once, and nothing is left running.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { status } from '@grpc/grpc-js'
import { systemClock } from '#ports/clock'
import { type ErrorCode, MillraceError } from '#ports/errors'
import type { SqlOperation, SqlProgress, SqlSession } from '#ports/sql-session'
import { type Cut, chunked, countingAnswers, type FakeSpark } from '../support/fake-spark.ts'
import { allRows, fakeSpark, quickClock, sessionWith } from '../support/spark-session.ts'
import { until } from '../support/until.ts'

const BROKEN = { code: status.UNAVAILABLE, message: 'the connection broke' }

const open = async (t: TestContext): Promise<[FakeSpark, SqlSession]> => {
  const spark = await fakeSpark(t)
  return [spark, await sessionWith(t, spark)]
}

const numbers = async (session: SqlSession, query = 'select n'): Promise<unknown[]> =>
  (await allRows(session, query)).map(({ n }) => n)

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

const failsWith =
  (code: ErrorCode, message = /./) =>
  (error: unknown): boolean =>
    error instanceof MillraceError && error.code === code && message.test(error.message)

/** Calls but those that release answers, which come when they like. */
const attachments = ({ calls }: FakeSpark): string[] =>
  calls.filter((call) => !call.startsWith('release r'))

test('a stream that ends early is attached to behind the last answer', async (t) => {
  const [spark, session] = await open(t)
  spark.play({
    answers: countingAnswers(6),
    cuts: [2, 0, 1, 3].map((after): Cut => ({ after, how: 'end' })),
  })
  assert.deepEqual(await numbers(session), upTo(18))
  await until(() => spark.calls.includes('release all'))
  assert.deepEqual(attachments(spark), [
    ...['execute', 'attach r2', 'attach r2', 'attach r3', 'attach r6'],
    'release all',
  ])
  assert.ok(spark.calls.some((call) => /^release r\d$/.test(call)))
})

test('a stream that breaks is attached to again, each time later, until an answer comes', async (t) => {
  const pauses: number[] = []
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark, { clock: quickClock(pauses) })
  const broken = (after: number): Cut => ({ after, how: BROKEN })
  spark.play({ answers: countingAnswers(4), cuts: [0, 0, 0, 2, 0, 0].map(broken) })
  assert.deepEqual(await numbers(session), upTo(12))
  assert.deepEqual(
    pauses.filter((ms) => ms < 1000),
    [50, 100, 200, 50, 100, 200],
  )
})

test('a connection that is cut is made again', async (t) => {
  const [spark, session] = await open(t)
  const reset = { code: status.INTERNAL, message: 'Received RST_STREAM with code 2' }
  const cuts: Cut[] = [
    { after: 1, how: reset },
    { after: 1, how: { ...BROKEN, code: status.CANCELLED } },
    { after: 1, how: { errorClass: 'INVALID_CURSOR.DISCONNECTED', message: 'taken over' } },
  ]
  spark.play({ answers: countingAnswers(4), cuts })
  assert.deepEqual(await numbers(session), upTo(12))
})

test('a server that stays away is given up', async (t) => {
  const [spark, session] = await open(t)
  spark.play({
    answers: countingAnswers(4),
    cuts: [{ after: 1, how: BROKEN }, ...upTo(99).map((): Cut => ({ after: 0, how: BROKEN }))],
  })
  await assert.rejects(numbers(session), failsWith('SPARK_UNREACHABLE', /the connection broke/))
})

test('an operation that never began begins again under its id', async (t) => {
  const [spark, session] = await open(t)
  spark.play({ answers: countingAnswers(2), lostBeginnings: 2 })
  assert.deepEqual(await numbers(session), upTo(6))
  assert.equal(spark.operations.length, 1)
  assert.deepEqual(attachments(spark).slice(0, 5), [
    ...['execute', 'attach -', 'execute', 'attach -', 'execute'],
  ])
})

test('a server that was started anew does not go on as if nothing had been', async (t) => {
  const [spark, session] = await open(t)
  await session.run('create temporary view v as select 1')
  spark.restart()
  await assert.rejects(session.run('select * from v'), failsWith('SPARK_LOST', /SESSION_CHANGED/))
  assert.equal(spark.operations.length, 1)
})

test('an operation that is gone after its first answers is lost', async (t) => {
  const [spark, session] = await open(t)
  const lost = { errorClass: 'INVALID_HANDLE.OPERATION_NOT_FOUND', message: 'not found' }
  spark.play({ answers: countingAnswers(4), cuts: [{ after: 2, how: lost }] })
  await assert.rejects(numbers(session), failsWith('SPARK_LOST', /not found/))
  assert.deepEqual(spark.calls.filter((call) => call === 'execute').length, 1)
})

test('a batch in chunks is put together, also over two streams, and released as a whole', async (t) => {
  const [spark, session] = await open(t)
  const [first, second, third] = countingAnswers(3)
  const answers = [...chunked(first as object, 3), second as object, ...chunked(third as object, 2)]
  spark.play({
    answers,
    cuts: [
      { after: 2, how: BROKEN },
      { after: 3, how: 'end' },
    ],
  })
  assert.deepEqual(await numbers(session), upTo(9))
  await until(() => spark.calls.includes('release all'))
  const released = spark.calls.filter((call) => call.startsWith('release r'))
  for (const call of released) assert.match(call, /^release r[346]$/)
})

test('progress tells of the stage that runs', async (t) => {
  const [spark, session] = await open(t)
  const stage = (stageId: number, done: number, tasks: number) => ({
    stageId,
    numTasks: tasks,
    numCompletedTasks: done,
    done: done === tasks,
  })
  const progress = (...stages: object[]) => ({ executionProgress: { stages } })
  spark.play({
    answers: [
      progress(),
      progress(stage(7, 1, 4)),
      progress(stage(7, 4, 4), stage(8, 0, 9)),
      progress(stage(7, 4, 4), stage(8, 9, 9)),
    ],
  })
  const seen: SqlProgress[] = []
  await session.run('select 1', { progress: (now) => seen.push(now) })
  assert.deepEqual(seen, [
    { stage: 1, tasksDone: 1, tasks: 4 },
    { stage: 2, tasksDone: 0, tasks: 9 },
    { stage: 2, tasksDone: 9, tasks: 9 },
  ])
})

test('an operation that does not end in time is interrupted', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark, { clock: systemClock })
  spark.play({ answers: countingAnswers(2), endless: true })
  const seen: unknown[] = []
  await assert.rejects(async () => {
    for await (const batch of session.rows('select n', { deadlineMs: 200 })) seen.push(...batch)
  }, failsWith('SPARK_DEADLINE'))
  assert.equal(seen.length, 6)
  await until(() => spark.calls.includes('release all'))
  assert.deepEqual(attachments(spark), ['execute', 'interrupt', 'release all'])
})

for (const [what, answers] of [
  ['a server that answers', true],
  ['a server that does not', false],
] as const) {
  test(`whoever aborts hears his own reason within a second, of ${what}`, async (t) => {
    const [spark, session] = await open(t)
    if (!answers) spark.spoil('Interrupt', 'hang')
    spark.play({ answers: [], endless: true })
    const abort = new AbortController()
    const reason = new Error('enough')
    const ended = session.run('select 1', { signal: abort.signal })
    await until(() => spark.operations.length === 1)
    const started = performance.now()
    abort.abort(reason)
    await assert.rejects(ended, (error) => error === reason)
    assert.ok(performance.now() - started < 1000)
    await until(() => spark.calls.includes('release all'))
    assert.deepEqual(spark.calls, ['execute', 'interrupt', 'release all'])
  })
}

test('what is aborted before it begins does not begin, and what is paused does not wait', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark, { clock: systemClock })
  const reason = new Error('enough')
  const aborted = AbortSignal.abort(reason)
  await assert.rejects(session.run('select 1', { signal: aborted }), (error) => error === reason)
  assert.deepEqual(spark.calls, [])
  spark.play({
    answers: [],
    cuts: upTo(99).map((): Cut => ({ after: 0, how: BROKEN })),
  })
  const abort = new AbortController()
  const ended = session.run('select 1', { signal: abort.signal })
  await until(() => spark.calls.length > 4)
  abort.abort(reason)
  await assert.rejects(ended, (error) => error === reason)
})

test('whoever closes the session ends what runs, and nothing begins any more', async (t) => {
  const [spark, session] = await open(t)
  spark.play({ answers: [], endless: true })
  const ended = assert.rejects(session.run('select 1'), failsWith('SPARK_LOST', /closed/))
  await until(() => spark.operations.length === 1)
  await Promise.all([session.close(), session.close()])
  await ended
  await assert.rejects(session.run('select 1'), failsWith('SPARK_LOST', /closed/))
  assert.equal(spark.asked.filter(([method]) => method === 'ReleaseSession').length, 1)
})

test('whoever stops reading ends the operation', async (t) => {
  const [spark, session] = await open(t)
  spark.play({ answers: countingAnswers(4), endless: true })
  for await (const batch of session.rows('select n')) {
    assert.equal(batch.length, 3)
    break
  }
  await until(() => spark.calls.includes('release all'))
})

test('another process goes on behind the last answer that was taken', async (t) => {
  const [spark, session] = await open(t)
  spark.play({ answers: countingAnswers(5), cuts: [{ after: 3, how: 'hang' }] })
  const told: SqlOperation[] = []
  const rows = session.rows('select n', { operation: (operation) => told.push(operation) })
  const reading = rows[Symbol.asyncIterator]()
  for (let batch = 0; batch < 3; batch++) await reading.next()
  // The third answer was not taken: nobody has asked for the next.
  const resume = told.at(-1) as SqlOperation
  assert.deepEqual(
    told.map(({ response }) => response),
    [null, 'r1', 'r2'],
  )
  const successor = await sessionWith(t, spark, { session: resume.session })
  const rest = await allRows(successor, 'select n', { resume })
  assert.deepEqual(
    rest.map(({ n }) => n),
    upTo(15).slice(6),
  )
  assert.equal(spark.operations.length, 1)
})

test('nobody goes on with an operation that is over', async (t) => {
  const [spark, session] = await open(t)
  const resume = { session: 'x', operation: 'y', response: null }
  await assert.rejects(session.run('select 1', { resume }), failsWith('SPARK_LOST'))
  assert.deepEqual(spark.operations, [])
})
