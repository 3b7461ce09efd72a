// What the server is asked to do.
import type { Literal, Plan, Relation } from './client.ts'

export const sqlRows = (query: string): Relation => ({ sql: { query } })

/** Exactly these files: no wildcards, and folders named `key=value` make no columns. */
export const parquetRows = (paths: readonly string[]): Relation => ({
  read: {
    dataSource: {
      format: 'parquet',
      paths,
      options: { __globPaths__: 'false', recursiveFileLookup: 'true' },
    },
  },
})

/** Rows that are sent along: an Arrow stream, and its columns in DDL. */
export const sentRows = (data: Uint8Array, schema: string): Relation => ({
  localRelation: { data, schema },
})

export const queryPlan = (root: Relation): Plan => ({ root })

/** Runs at once, also when it is a query. */
export const statementPlan = (statement: string): Plan => ({
  command: { sqlCommand: { input: sqlRows(statement) } },
})

export const viewPlan = (name: string, input: Relation): Plan => ({
  command: { createDataframeView: { input, name, replace: true } },
})

export const parquetPlan = (input: Relation, path: string): Plan => ({
  command: { writeOperation: { input, source: 'parquet', path, mode: 'SAVE_MODE_OVERWRITE' } },
})

/** @param uid names the estimator within the session */
export const fitPlan = (
  estimator: string,
  uid: string,
  params: Readonly<Record<string, Literal>>,
  dataset: Relation,
): Plan => ({
  command: {
    mlCommand: {
      fit: {
        estimator: { name: estimator, uid, type: 'OPERATOR_TYPE_ESTIMATOR' },
        params: { params },
        dataset,
      },
    },
  },
})

export const factorRows = (model: string, method: 'userFactors' | 'itemFactors'): Relation => ({
  mlRelation: { fetch: { objRef: { id: model }, methods: [{ method }] } },
})

export const deletePlan = (model: string): Plan => ({
  command: { mlCommand: { delete: { objRefs: [{ id: model }] } } },
})
