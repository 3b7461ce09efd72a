// The session of one training. Its id follows from the version's, so that any process finds what a dead one left on the server.
import type { Clock } from '#ports/clock'
import { asMillraceError } from '#ports/errors'
import type { SqlSession } from '#ports/sql-session'
import { createIdSource } from '#schemas/ids'
import { openSqlSession } from './sql-session.ts'

export interface TrainingSessionOptions {
  /** `sc://host:port`. */
  readonly url: string
  readonly clock: Clock
  /** 32 hex digits. */
  readonly versionId: string
}

/** @throws MillraceError SPARK_UNREACHABLE, SPARK_REFUSED, SPARK_LOST, SERVER_VERSION */
export function openTrainingSession(options: TrainingSessionOptions): Promise<SqlSession> {
  const { url, clock, versionId } = options
  return openSqlSession({ url, clock, ids: createIdSource(), session: uuidOf(versionId) })
}

/** Ends what a dead process left running of a training, and frees what it holds. @throws MillraceError as above */
export async function abandonTraining(options: TrainingSessionOptions): Promise<void> {
  try {
    const session = await openTrainingSession(options)
    await session.close()
  } catch (error) {
    // It was closed already, by the attempt itself or with the server.
    if (asMillraceError(error).code !== 'SPARK_LOST') throw error
  }
}

const uuidOf = (id: string): string =>
  [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join('-')
