// What a session asks of Spark, what it makes of the rows and of the errors, and how it is opened and closed. Over a fake Spark.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { status } from '@grpc/grpc-js'
import {
  Bool,
  Decimal,
  Field,
  Float64,
  Int64,
  List,
  Struct,
  Table,
  tableFromIPC,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import { SQL_SENT_BYTES_MAX } from '#ports/sql-session'
import { createIdSource } from '#schemas/ids'
import { sparkConfig } from '../../infra/spark/config.ts'
import { openSqlSession } from '../../infra/spark/sql-session.ts'
import { arrowAnswer, countingAnswers, type FakeFailure } from '../support/fake-spark.ts'
import { allRows, failure, fakeSpark, quickClock, sessionWith } from '../support/spark-session.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

test('spark: an address is sc://host:port', () => {
  assert.equal(sparkConfig('sc://spark.example.org:15003').address, 'spark.example.org:15003')
  assert.equal(sparkConfig('sc://[::1]/').address, '[::1]:15002')
  for (const url of ['sc://', 'sc:host', 'http://host:1', 'sc://host:port', 'sc://host/path']) {
    assert.throws(
      () => sparkConfig(url),
      (error: unknown) => error instanceof MillraceError && error.code === 'CONFIG_INVALID',
    )
  }
})

test('spark: a session is opened with its settings, under the id it is given', async (t) => {
  const spark = await fakeSpark(t)
  await sessionWith(t, spark, { settings: { 'spark.sql.shuffle.partitions': '8' }, session: 's1' })
  assert.deepEqual(
    spark.asked.map(([method]) => method),
    ['AnalyzePlan', 'Config'],
  )
  const { sessionId, clientObservedServerSideSessionId, operation } = spark.asked[1]?.[1] ?? {}
  assert.deepEqual([sessionId, clientObservedServerSideSessionId], ['s1', 'incarnation-1'])
  const pairs = [{ key: 'spark.sql.shuffle.partitions', value: '8' }]
  assert.deepEqual(operation, { set: { pairs } })
})

test('spark: nobody listens, or a Spark that is too old', async (t) => {
  const shared = { clock: quickClock(), ids: createIdSource() }
  const away = await failure(openSqlSession({ url: 'sc://127.0.0.1:9', ...shared }))
  assert.equal(away.code, 'SPARK_UNREACHABLE')
  assert.match(away.message, /^Spark \(127\.0\.0\.1:9\) cannot be reached: .*ECONNREFUSED/)
  const { url } = await fakeSpark(t, '3.5.1')
  const old = await failure(openSqlSession({ url, ...shared }))
  assert.equal(old.code, 'SERVER_VERSION')
  assert.match(old.message, /is of version 3\.5\.1; 4\.0 or later is needed/)
})

test('spark: views and files are asked for as they are meant', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark)
  await session.viewOfParquet('v', ['hdfs://n/a[1].parquet', 'hdfs://n/b.parquet'])
  await session.writeParquet('select 1', 'hdfs://n/model')
  await session.run('cache table v')
  const plans = spark.asked.filter(([method]) => method === 'ExecutePlan').map(([, plan]) => plan)
  const [view, write, statement] = plans.map(
    ({ command }) => command as Record<string, Record<string, unknown>>,
  )
  const { input, ...named } = view?.createDataframeView ?? {}
  assert.deepEqual(named, { name: 'v', replace: true })
  assert.deepEqual((input as { read: { dataSource: object } }).read.dataSource, {
    format: 'parquet',
    paths: ['hdfs://n/a[1].parquet', 'hdfs://n/b.parquet'],
    options: { __globPaths__: 'false', recursiveFileLookup: 'true' },
  })
  const { source, path, mode } = write?.writeOperation ?? {}
  assert.deepEqual([source, path, mode], ['parquet', 'hdfs://n/model', 'SAVE_MODE_OVERWRITE'])
  assert.deepEqual(statement?.sqlCommand, {
    input: { common: null, sql: { query: 'cache table v' } },
  })
})

test('spark: rows that are sent keep strings as strings, and nulls', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark)
  const columns = { s: 'string', 'a`b': 'int', l: 'bigint', d: 'double', b: 'boolean' } as const
  await session.viewOfRows('v', columns, [
    { s: 'é', 'a`b': -1, l: 2 ** 52, d: 0.5, b: true },
    { s: null },
  ])
  const [, plan] = spark.asked.at(-1) ?? []
  const { command } = plan as unknown as {
    command: { createDataframeView: { input: { localRelation: { data: Buffer; schema: string } } } }
  }
  const { data, schema } = command.createDataframeView.input.localRelation
  assert.equal(schema, '`s` string, `a``b` int, `l` bigint, `d` double, `b` boolean')
  const table = tableFromIPC(data)
  assert.equal(
    table.schema.fields.map(({ type }) => String(type)).join(),
    'Utf8,Int32,Int64,Float64,Bool',
  )
  assert.deepEqual(
    table.toArray().map((row) => Object.values((row as { toJSON(): object }).toJSON())),
    [
      ['é', -1, 2n ** 52n, 0.5, true],
      [null, null, null, null, null],
    ],
  )
  const long = [{ s: 'x'.repeat(SQL_SENT_BYTES_MAX) }]
  const refused = await failure(session.viewOfRows('v', { s: 'string' }, long))
  assert.match(refused.message, /put them into a file/)
})

test('spark: rows come as values of JavaScript', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark)
  const pair = new Struct([
    new Field('id', new Utf8(), true),
    new Field('w', new List(new Field('item', new Float64(), true)), true),
  ])
  const lists = [
    [
      { id: 'x', w: [1, null] },
      { id: null, w: null },
    ],
    [],
    null,
    [{ id: 'y', w: [] }],
  ]
  const columns: Record<string, Vector> = {
    whole: vectorFromArray([1n, -(2n ** 53n) + 1n, null, 0n], new Int64()),
    text: vectorFromArray(['', 'ß', null, 'z'], new Utf8()),
    yes: vectorFromArray([true, false, null, true], new Bool()),
    lists: vectorFromArray(lists, new List(new Field('item', pair, true))),
  }
  const table = new Table(columns)
  spark.play({ answers: [arrowAnswer(table), arrowAnswer(table.slice(0, 0)), arrowAnswer(table)] })
  const once = [
    { whole: 1, text: '', yes: true, lists: lists[0] },
    { whole: -(2 ** 53) + 1, text: 'ß', yes: false, lists: [] },
    { whole: null, text: null, yes: null, lists: null },
    { whole: 0, text: 'z', yes: true, lists: lists[3] },
  ]
  assert.deepEqual(await allRows(session, 'select'), [...once, ...once])
})

test('spark: what JavaScript cannot hold is refused by the name of its column', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark)
  const wide = vectorFromArray([0n, 2n ** 53n], new Int64())
  const decimal = vectorFromArray([new Uint32Array(4)], new Decimal(2, 10))
  for (const [column, vector] of Object.entries({ wide, decimal })) {
    spark.play({ answers: [arrowAnswer(new Table({ [column]: vector as Vector }))] })
    const { code, message } = await failure(allRows(session, 'select'))
    assert.equal(code, 'SPARK_REFUSED')
    assert.match(message, new RegExp(`the column ${column} .*cast it`))
  }
})

const MISSING: FakeFailure = {
  errorClass: 'TABLE_OR_VIEW_NOT_FOUND',
  exception: 'org.apache.spark.sql.AnalysisException',
  message: '[TABLE_OR_VIEW_NOT_FOUND] The table or view `x` cannot be fo…',
}

test('spark: an error has its class and the whole of its message', async (t) => {
  const spark = await fakeSpark(t)
  const session = await sessionWith(t, spark)
  const refuse = async (how: FakeFailure) => {
    spark.play({ answers: [], cuts: [{ after: 0, how }] })
    const { code, details } = await failure(session.run('select'))
    return [code, details.errorClass, details.reason]
  }
  const message =
    "[TABLE_OR_VIEW_NOT_FOUND] The table or view `x` cannot be found.\n'Project [*]\n+- x"
  const whole = {
    rootErrorIdx: 0,
    errors: [{ message, sparkThrowable: { errorClass: 'TABLE_OR_VIEW_NOT_FOUND' } }],
  }
  assert.deepEqual(await refuse({ ...MISSING, details: whole }), [
    ...['SPARK_REFUSED', 'TABLE_OR_VIEW_NOT_FOUND'],
    '[TABLE_OR_VIEW_NOT_FOUND] The table or view `x` cannot be found.',
  ])
  const wrapped = {
    rootErrorIdx: 1,
    errors: [
      { message: 'not a Parquet file' },
      { message: 'Job aborted\n\nDriver stacktrace: …', causeIdx: 2 },
      {
        message: '[FAILED_READ_FILE] file:/a',
        causeIdx: 0,
        sparkThrowable: { errorClass: 'FAILED_READ_FILE' },
      },
    ],
  }
  const aborted = { exception: 'org.apache.spark.SparkException', message: 'Job aborted' }
  assert.deepEqual(await refuse({ ...aborted, details: wrapped }), [
    ...['SPARK_REFUSED', 'FAILED_READ_FILE', '[FAILED_READ_FILE] file:/a (not a Parquet file)'],
  ])
  // A connection of Spark's own that failed is no reason to try again.
  const elsewhere = { exception: 'java.net.ConnectException', message: 'ECONNRESET: name node' }
  assert.deepEqual(await refuse(elsewhere), [
    ...['SPARK_REFUSED', 'java.net.ConnectException'],
    'java.net.ConnectException: ECONNRESET: name node',
  ])
  spark.spoil('FetchErrorDetails', { message: 'no' })
  assert.deepEqual(await refuse({ ...MISSING, details: whole }), [
    ...['SPARK_REFUSED', 'TABLE_OR_VIEW_NOT_FOUND', MISSING.message],
  ])
  assert.equal(spark.calls.filter((call) => call.startsWith('attach')).length, 0)
})

test('spark: short calls are made again while the server is away', async (t) => {
  const spark = await fakeSpark(t)
  spark.spoil('AnalyzePlan', { code: status.UNAVAILABLE })
  const opened = sessionWith(t, spark, { clock: systemClock })
  await until(() => spark.asked.length === 3)
  spark.spoil('AnalyzePlan', null)
  await opened
})

test('spark: rows come once over a connection that breaks', async (t) => {
  const spark = await fakeSpark(t)
  const proxy = await startTcpProxy(spark.url)
  t.after(() => proxy.close())
  const session = await sessionWith(
    t,
    { url: proxy.url.replace('http:', 'sc:') },
    { clock: systemClock },
  )
  spark.play({ answers: countingAnswers(8), cuts: [{ after: 5, how: 'hang' }] })
  const rows: unknown[] = []
  for await (const batch of session.rows('select n')) {
    rows.push(...batch.map(({ n }) => n))
    if (rows.length !== 15) continue
    proxy.set('refuse')
    setTimeout(() => proxy.set('pass'), 300)
  }
  assert.deepEqual(
    rows,
    Array.from({ length: 24 }, (_, n) => n),
  )
})
