// The SQL session over Spark Connect.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { FactorTraining } from '#ports/factor-training'
import type { SqlColumnType, SqlOptions, SqlSession } from '#ports/sql-session'
import type { IdSource } from '#schemas/ids'
import { sparkConfig } from './config.ts'
import { type Arrow, createArrowRows } from './connect/arrow-rows.ts'
import { type Caller, createCaller } from './connect/caller.ts'
import type { Plan } from './connect/client.ts'
import { loadSparkConnect } from './connect/library.ts'
import { runOperation } from './connect/operation.ts'
import {
  parquetPlan,
  parquetRows,
  queryPlan,
  sentRows,
  sqlRows,
  statementPlan,
  viewPlan,
} from './connect/plans.ts'
import { createFactorTraining } from './factor-training.ts'

export interface SqlSessionOptions {
  /** `sc://host:port`. */
  readonly url: string
  readonly clock: Clock
  readonly ids: IdSource
  /** Spark's own settings for the session: `spark.sql.shuffle.partitions`, … */
  readonly settings?: Readonly<Record<string, string>>
  /** Id of a session of a former process, to go on with what it left. */
  readonly session?: string
}

const VERSION_LOWEST = 4

/** @throws MillraceError CONFIG_INVALID, SPARK_UNREACHABLE, SPARK_REFUSED, SPARK_LOST, SERVER_VERSION */
export async function openSqlSession(
  options: SqlSessionOptions,
): Promise<SqlSession & FactorTraining> {
  const { url, clock, ids, session, settings = {} } = options
  const config = sparkConfig(url)
  const [client, arrow] = await Promise.all([
    loadSparkConnect(config, clock),
    import('apache-arrow'),
  ])
  const caller = createCaller(client, { address: config.address, clock, ids, session })
  try {
    await assertVersion(caller)
    await configure(caller, settings)
  } catch (error) {
    client.close()
    throw error
  }
  return { ...createSqlSession(caller, arrow), ...createFactorTraining(caller, arrow) }
}

function createSqlSession(caller: Caller, arrow: Arrow): SqlSession {
  const { decode, encode } = createArrowRows(arrow)
  const run = async (plan: Plan, options?: SqlOptions): Promise<void> => {
    for await (const answer of runOperation(caller, plan, options)) void answer
  }
  return {
    run: (statement, options) => run(statementPlan(statement), options),
    rows: async function* (query, options) {
      for await (const { arrowBatch } of runOperation(caller, queryPlan(sqlRows(query)), options)) {
        if (arrowBatch !== undefined) yield decode(arrowBatch.data)
      }
    },
    viewOfParquet: (view, uris, options) => run(viewPlan(view, parquetRows(uris)), options),
    viewOfRows: async (view, columns, rows, options) =>
      run(viewPlan(view, sentRows(encode(columns, rows), ddlOf(columns))), options),
    writeParquet: (query, folderUri, options) =>
      run(parquetPlan(sqlRows(query), folderUri), options),
    close: caller.close,
  }
}

/** Columns in Spark's words. */
const ddlOf = (columns: Readonly<Record<string, SqlColumnType>>): string =>
  Object.entries(columns)
    .map(([name, type]) => `\`${name.replaceAll('`', '``')}\` ${type}`)
    .join(', ')

async function assertVersion(caller: Caller): Promise<void> {
  const answer = await caller.ask((asking, deadlineMs) =>
    caller.client.analyzePlan({ ...asking, sparkVersion: {} }, deadlineMs),
  )
  caller.heard(answer)
  const found = answer.sparkVersion?.version ?? 'unknown'
  if (Number.parseInt(found, 10) >= VERSION_LOWEST) return
  const known = `${VERSION_LOWEST}.0 or later`
  throw new MillraceError('SERVER_VERSION', {
    port: 'batch',
    address: caller.address,
    found,
    known,
  })
}

async function configure(
  caller: Caller,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const pairs = Object.entries(settings).map(([key, value]) => ({ key, value }))
  if (pairs.length === 0) return
  await caller.ask((asking, deadlineMs) =>
    caller.client.config({ ...asking, operation: { set: { pairs } } }, deadlineMs),
  )
}
