// What the training half of an engine is: a function from the archive to a model, run away from the threads that serve.
import type { Archive } from '#ports/archive'
import type { TrainTask } from '#ports/batch-engine'
import type { Clock } from '#ports/clock'
import type { Files } from '#ports/files'
import type { JobProgress } from '#ports/job-queue'
import type { ReadParquet } from '#ports/parquet'
import type { SqlSession } from '#ports/sql-session'
import type { Model } from '#schemas/model'
import type { RowRunner } from '../algorithms/row-job.ts'

export interface TrainerDeps {
  readonly archive: Archive
  readonly clock: Clock
  /** Spreads the work on rows over threads. */
  readonly correlate: RowRunner
  readonly progress: (progress: JobProgress) => void
  /** The newest model of the engine, or null when there is none yet. */
  readonly previous?: () => Promise<Model | null>
  readonly signal?: AbortSignal
  /** Opens a session with the server that trains in SQL; absent where all is trained in this process. */
  readonly sql?: () => Promise<SqlSession>
  /** Where archive and models lie: the server finds them by their URIs. Given together with `sql`. */
  readonly files?: Pick<Files, 'list' | 'read' | 'remove' | 'uriOf'>
  /** Reads what the server wrote. Given together with `sql`. */
  readonly parquet?: ReadParquet
}

/** What a trainer in SQL is given. */
export type SqlTrainerDeps = TrainerDeps & Required<Pick<TrainerDeps, 'sql' | 'files' | 'parquet'>>

export interface Trained {
  readonly model: Model
  /** Of the data: events, users, items, pairs. A function of data and parameters. */
  readonly counts: Readonly<Record<string, number>>
  /** What whoever trained should know: an indicator without events, and the like. */
  readonly remarks: readonly string[]
  /** By step. */
  readonly seconds: Readonly<Record<string, number>>
}

/** @throws MillraceError TRAINING_NO_EVENTS, ARCHIVE_CORRUPT, ENGINE_JSON_INVALID */
export type Trainer = (task: TrainTask, deps: TrainerDeps) => Promise<Trained>
