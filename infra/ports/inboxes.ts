// Inboxes: topics that direct producers write events to, one an app and channel. An embedded log has none.
//
// For implementers
// - records of aborted transactions are never handed over; order holds inside a partition.
// - a batch counts as read when its handler has resolved; after a failure or a crash it may be handed over again.
// - several processes share the inboxes of an installation: a partition is read by one of them at a time.
import type { Closable, HealthSource } from './lifecycle.ts'
import type { SchemaRegistry } from './schema-registry.ts'

export interface Inbox {
  readonly app: number
  readonly channel: number
}

export interface InboxRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** The producer's or the broker's time of the record, as text: tells a topic that was made anew from the old one. */
  readonly timestamp: string
  /** Null for a record without a value. */
  readonly value: Uint8Array | null
}

export interface InboxBatch {
  readonly inbox: Inbox
  readonly records: readonly InboxRecord[]
  /** To be called now and then while the work takes long: the partition is another process's after a while without. */
  readonly alive: () => Promise<void>
  /** Aborted when the batch is to be given up: the handler rejects then. */
  readonly signal: AbortSignal
}

/** Resolves when every record of the batch is in the event log or in dead letters, durably. */
export type InboxHandler = (batch: InboxBatch) => Promise<void>

export interface Inboxes extends Closable, HealthSource {
  /** Reads these inboxes from now on, and no others; missing topics are made. Trouble is retried and told by `health`. */
  serve(inboxes: readonly Inbox[]): void
}

/** What a log has that direct producers can write to. */
export interface DirectProducers {
  readonly registry: SchemaRegistry
  /**
   * Makes a user that may write to the inboxes of this app and to nothing else.
   * @throws MillraceError KAFKA_USER_REFUSED
   */
  allow(user: string, app: number): Promise<{ readonly topic: string; readonly password: string }>
  /** Takes back what `allow` gave for an app that is gone, and removes its inboxes with all that is in them. */
  forget(app: number): Promise<void>
  openInboxes(handler: InboxHandler): Inboxes
}
