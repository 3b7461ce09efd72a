// A session with a server that runs SQL over shared files in parallel (Spark): what a training in SQL asks of it. The SQL is
// the caller's; reattaching, retries within an operation, interrupts and error details are the implementation's.
import type { Closable } from './lifecycle.ts'

/**
 * A cell as JavaScript has it: integers of up to 53 bits are numbers, lists are arrays, structs objects. Others (wider integers,
 * decimals, dates, times, binary, maps) are refused: cast them in SQL.
 */
export type SqlValue =
  | string
  | number
  | boolean
  | null
  | readonly SqlValue[]
  | { readonly [field: string]: SqlValue }

/** How far the stage that runs has come. The server tells of started stages only, so there is no percentage of the whole. */
export interface SqlProgress {
  /** Stages begun so far, this one included. */
  readonly stage: number
  readonly tasksDone: number
  readonly tasks: number
}

/** An operation on the server, so that another process can go on with it. */
export interface SqlOperation {
  /** Id of the session, which must be opened under the same. */
  readonly session: string
  readonly operation: string
  /** The last answer that was taken; null when it was none. */
  readonly response: string | null
}

export interface SqlOptions {
  /** Interrupts the operation on the server, so that its slots become free. */
  readonly signal?: AbortSignal
  readonly progress?: (progress: SqlProgress) => void
  /** The whole operation at most, milliseconds; default `SQL_DEADLINE_MS`. */
  readonly deadlineMs?: number
  /** Hears of the operation when it begins, and after each answer that was taken. */
  readonly operation?: (operation: SqlOperation) => void
  /**
   * Goes on with an operation of a former process, which the same statement began, behind its last answer. The server keeps one
   * to which nobody is attached for five minutes; then SPARK_LOST, and the statement may be run anew.
   */
  readonly resume?: SqlOperation
}

/** An operation that is not over by then is interrupted and fails. */
export const SQL_DEADLINE_MS = 4 * 3_600_000

/** Types of columns that can be sent to the server. Integers of `int` have 32 bits, those of `bigint` up to 53. */
export type SqlColumnType = 'string' | 'int' | 'bigint' | 'double' | 'boolean'

/** Rows sent to the server at most, bytes of all cells: more belong into files. */
export const SQL_SENT_BYTES_MAX = 32 * 2 ** 20

/**
 * Every call throws MillraceError: SPARK_UNREACHABLE, SPARK_REFUSED (the server's error class and message), SPARK_LOST (session or
 * operation are gone: the server was started anew, or nobody was attached for too long), SPARK_DEADLINE, and TRAINING_CANCELLED
 * never: an aborted signal rejects with its reason.
 */
export interface SqlSession extends Closable {
  /** Runs a statement for its effect: `create or replace temporary view`, `cache table`, `set`. */
  run(statement: string, options?: SqlOptions): Promise<void>
  /** The rows of a query, in batches as the server sends them. */
  rows(
    query: string,
    options?: SqlOptions,
  ): AsyncIterable<readonly Readonly<Record<string, SqlValue>>[]>
  /** Makes a temporary view of exactly these Parquet files, by their URIs. There must be one. */
  viewOfParquet(view: string, uris: readonly string[], options?: SqlOptions): Promise<void>
  /**
   * Makes a temporary view of rows that are sent along, for small tables. A cell that a row lacks is null.
   * @throws MillraceError SPARK_REFUSED above `SQL_SENT_BYTES_MAX`
   */
  viewOfRows(
    view: string,
    columns: Readonly<Record<string, SqlColumnType>>,
    rows: readonly Readonly<Record<string, string | number | boolean | null>>[],
    options?: SqlOptions,
  ): Promise<void>
  /** Writes the rows of a query as Parquet files into a folder, in place of what is there. */
  writeParquet(query: string, folderUri: string, options?: SqlOptions): Promise<void>
}
