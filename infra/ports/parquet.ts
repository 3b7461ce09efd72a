// Parquet files that another program wrote, as columns. The implementation is infra/archive/.

export interface ParquetReading {
  readonly rows: number
  /** Numbers of a column; NaN where there is none. */
  numbers(column: string): Float64Array
  /** Texts of a column without nulls. */
  texts(column: string): readonly string[]
}

/**
 * Reads columns of a file on the files port, a part of its rows after the other: what is in memory is bounded by the size of
 * the file's row groups.
 * @throws MillraceError ARCHIVE_CORRUPT, naming the file
 */
export type ReadParquet = (
  path: string,
  columns: readonly string[],
) => AsyncIterable<ParquetReading>
