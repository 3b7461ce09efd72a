// The steps of a training in SQL: views of a session, and tables that are written once and read often. A table lies as Parquet
// beside the model, so that nothing has to fit into the memory of the server, and is gone when the training is over.
import type { ParquetReading } from '#ports/parquet'
import type { SqlOptions, SqlSession, SqlValue } from '#ports/sql-session'
import type { SqlTrainerDeps } from '../trainer.ts'

export type SqlRow = Readonly<Record<string, SqlValue>>

export interface Steps {
  /** Begins a step that is told and timed. */
  begin(step: string): void
  /** Seconds of each step so far. */
  seconds(): Record<string, number>
  view(name: string, query: string): Promise<void>
  viewOfParquet(name: string, paths: readonly string[]): Promise<void>
  /** Writes the rows of a query; they can be read in SQL under the name, and by `read`. */
  table(name: string, query: string): Promise<void>
  /** The rows of a short answer. */
  rows(query: string): Promise<SqlRow[]>
  /** Columns of a table, as they lie in its files. */
  read(name: string, columns: readonly string[]): AsyncIterable<ParquetReading>
  set(key: string, value: string | number): Promise<void>
  /** Removes the tables and closes the session. */
  close(): Promise<void>
}

/** @param folder of the files port, for the tables */
export async function openSteps(
  { sql, files, parquet, clock, progress, signal }: SqlTrainerDeps,
  folder: string,
): Promise<Steps> {
  const session: SqlSession = await sql()
  const began = new Map<string, number>()
  const spent: Record<string, number> = {}
  let step = ''
  const options: SqlOptions = {
    ...(signal === undefined ? {} : { signal }),
    progress: ({ stage, tasksDone, tasks }) =>
      progress({ step: `${step}, stage ${stage}`, done: tasksDone, total: tasks, unit: 'tasks' }),
  }
  const end = (): void => {
    const from = began.get(step)
    if (from !== undefined) spent[step] = (clock.monotonic() - from) / 1000
  }
  const pathOf = (name: string): string => `${folder}/${name}`
  const filesOf = async (name: string): Promise<string[]> =>
    (await files.list(pathOf(name))).flatMap(({ path }) => (path.endsWith('.parquet') ? path : []))
  const viewOfParquet = (name: string, paths: readonly string[]): Promise<void> =>
    session.viewOfParquet(
      name,
      paths.map((path) => files.uriOf(path)),
      options,
    )
  return {
    begin: (name) => {
      end()
      step = name
      began.set(name, clock.monotonic())
      progress({ step, done: 0, total: 0, unit: 'tasks' })
    },
    seconds: () => {
      end()
      return { ...spent }
    },
    view: (name, query) =>
      session.run(`create or replace temporary view ${name} as ${query}`, options),
    viewOfParquet,
    table: async (name, query) => {
      await session.writeParquet(query, files.uriOf(pathOf(name)), options)
      // Also of no rows Spark writes a file, which says the columns.
      await viewOfParquet(name, await filesOf(name))
    },
    rows: async (query) => {
      const all: SqlRow[] = []
      for await (const batch of session.rows(query, options)) all.push(...batch)
      return all
    },
    read: async function* (name, columns) {
      for (const path of await filesOf(name)) yield* parquet(path, columns)
    },
    set: (key, value) => session.run(`set ${key}=${value}`, options),
    close: async () => {
      await session.close()
      await files.remove(folder)
    },
  }
}
