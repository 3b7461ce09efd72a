// All that one version of an event store holds, as it was at one moment: for comparing two versions. Each table is told in
// order of a key that does not depend on the version, so that two of them can be walked side by side.
import type { JsonObject } from '#schemas/json'
import type { Watermark } from '#schemas/position'
import type { Closable } from './lifecycle.ts'

/**
 * events: live events, by eventTime and position. states: of entities. histories: what each entity did, one row an event
 * name, newest first. targets: what was ever seen as a target.
 */
export const STORE_TABLES = ['events', 'states', 'histories', 'targets'] as const
export type StoreTable = (typeof STORE_TABLES)[number]

export interface StoreRow {
  /** Unique in its table and channel; rows come in ascending order of it, by UTF-16 unit. */
  readonly key: string
  /** Equal in two versions when the rows say the same. */
  readonly content: string
  /** For people: which row it is. */
  describe(): JsonObject
}

export interface StoreTenant {
  readonly app: number
  readonly channel: number
  /** Live events, as the store counts them. */
  readonly count: number
}

export interface StoreSnapshot extends Closable {
  /** Everything below it is applied, and nothing else. */
  readonly watermark: Watermark
  tenants(): readonly StoreTenant[]
  /** Rows of a table in batches; a bounded number is in memory. */
  rows(table: StoreTable, app: number, channel: number): AsyncIterable<readonly StoreRow[]>
  /** True when a row of `events` is found under the id of its event. */
  isUnderItsId(app: number, channel: number, row: StoreRow): boolean
}
