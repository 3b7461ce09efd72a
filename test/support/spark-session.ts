// A session with a fake Spark, for tests.
import type { TestContext } from 'node:test'
import { type Clock, systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { FactorTraining } from '#ports/factor-training'
import type { SqlOptions, SqlSession, SqlValue } from '#ports/sql-session'
import { createIdSource } from '#schemas/ids'
import { openSqlSession, type SqlSessionOptions } from '../../infra/spark/sql-session.ts'
import { type FakeSpark, startFakeSpark } from './fake-spark.ts'

const SPEED = 100

/** Time flies: pauses and the time between two looks at the clock are a hundredth. It notes how long it was asked to wait. */
export function quickClock(pauses: number[] = []): Clock {
  return {
    now: systemClock.now,
    monotonic: () => systemClock.monotonic() * SPEED,
    sleep: (ms, signal) => {
      pauses.push(ms)
      return systemClock.sleep(ms / SPEED, signal)
    },
  }
}

export async function fakeSpark(t: TestContext, version?: string): Promise<FakeSpark> {
  const spark = await startFakeSpark(version)
  t.after(() => spark.close())
  return spark
}

export async function sessionWith(
  t: TestContext,
  { url }: Pick<FakeSpark, 'url'>,
  options: Partial<SqlSessionOptions> = {},
): Promise<SqlSession & FactorTraining> {
  const session = await openSqlSession({
    url,
    clock: quickClock(),
    ids: createIdSource(),
    ...options,
  })
  t.after(() => session.close())
  return session
}

export async function allRows(
  session: SqlSession,
  query: string,
  options?: SqlOptions,
): Promise<Readonly<Record<string, SqlValue>>[]> {
  const rows: Readonly<Record<string, SqlValue>>[] = []
  for await (const batch of session.rows(query, options)) rows.push(...batch)
  return rows
}

/** The error of ours that the work ends with; fails when there is none. */
export async function failure(work: Promise<unknown>): Promise<MillraceError> {
  try {
    await work
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('it did not fail')
}
