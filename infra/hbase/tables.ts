// The event store's tables by their own names, over an HBase that several of them share.
import type { HBase, Row } from './client.ts'
import { layouts, type TableName, tableName } from './keys.ts'
import type { KeyRange, ScanRange } from './scan.ts'

export interface StoreTables {
  getMany(table: TableName, keys: readonly Buffer[]): Promise<readonly (Row | null)[]>
  put(table: TableName, rows: readonly Row[]): Promise<void>
  scan(table: TableName, range: ScanRange): AsyncGenerator<Row>
  scanAll(table: TableName, range: KeyRange): AsyncGenerator<readonly Row[]>
  close(): void
}

/** Makes the tables that are missing. @throws what HBase says */
export async function openStoreTables(hbase: HBase, prefix: string): Promise<StoreTables> {
  await hbase.createTables(layouts(prefix))
  return {
    getMany: (table, keys) => hbase.getMany(tableName(prefix, table), keys),
    put: (table, rows) => hbase.put(tableName(prefix, table), rows),
    scan: (table, range) => hbase.scan(tableName(prefix, table), range),
    scanAll: (table, range) => hbase.scanAll(tableName(prefix, table), range),
    close: () => hbase.close(),
  }
}
