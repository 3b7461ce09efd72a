// What the event log carries. Five kinds; the last three go to every partition.
//
//   event        an accepted event of one app and channel
//   deletion     ends the event with this id of this entity
//   erasure      ends everything about an entity that stands before it (entity as hash: the log keeps no name)
//   data-delete  ends everything of an app or a channel that stands before it
//   barrier      ends nothing: the place at which a model version was opened
import type { Event } from './event.ts'

interface Tenant {
  /** Internal number of the app, never used again. */
  readonly app: number
  /** Internal number of the channel; 0 is the default channel. */
  readonly channel: number
}

export interface EventRecord extends Tenant {
  readonly kind: 'event'
  /**
   * Names one append (the request's, or a place in an inbox). A second record with the same identity *and* append id is
   * a repeat of that append, even after a deletion. Empty: the event id was made here and names the append itself.
   */
  readonly appendId: string
  readonly event: Event
}

export interface DeletionRecord extends Tenant {
  readonly kind: 'deletion'
  readonly appendId: string
  readonly entityType: string
  readonly entityId: string
  readonly eventId: string
  readonly creationTime: number
}

export interface ErasureRecord extends Tenant {
  readonly kind: 'erasure'
  readonly appendId: string
  /** `entityHash(entityType, entityId)`, 16 hex digits. */
  readonly entityHash: string
  readonly creationTime: number
}

export interface DataDeleteRecord {
  readonly kind: 'data-delete'
  readonly appendId: string
  readonly app: number
  /** null: every channel of the app. */
  readonly channel: number | null
  readonly creationTime: number
}

export interface BarrierRecord {
  readonly kind: 'barrier'
  readonly appendId: string
  /** App whose engine's version this opens. */
  readonly app: number
  readonly engineId: string
  readonly versionId: string
  readonly creationTime: number
}

export type LogRecord =
  | EventRecord
  | DeletionRecord
  | ErasureRecord
  | DataDeleteRecord
  | BarrierRecord

/**
 * In the archive alone: what is left of an event that an erasure or a data-delete has ended, after a sweep. It names nobody, and is
 * enough to refuse a late copy of its append and to know which items were seen.
 */
export interface TombstoneRecord extends Tenant {
  readonly kind: 'tombstone'
  /** `identityHash` of entity and event id, 32 hex digits. */
  readonly identity: string
  /** `identityNumber` of the same: a column of the archive. */
  readonly number: number
  /** `appendName` of the append. */
  readonly append: string
  readonly event: string
  /** null when there was no target, or when it was what had to go. */
  readonly targetEntityType: string | null
  readonly targetEntityId: string | null
  readonly creationTime: number
}

/** What the archive holds. */
export type ArchivedRecord = LogRecord | TombstoneRecord

export const RECORD_KINDS = ['event', 'deletion', 'erasure', 'data-delete', 'barrier'] as const
export type RecordKind = (typeof RECORD_KINDS)[number]

/** A record with its place, as a consumer gets it. */
export interface Placed<R extends ArchivedRecord = LogRecord> {
  readonly generation: number
  readonly partition: number
  readonly offset: number
  readonly record: R
}
