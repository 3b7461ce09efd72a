// The event store: events by id, by entity and by time, and the state of every entity. The store sink alone writes; it
// hands over decoded records in order of position and the store decides with `effective.decide` which of them count.
//
// For implementers
// - `apply` may be called again with records it has applied (after a crash, or by a second owner): nothing changes then.
// - `applied` of a batch is visible to readers of other threads after `refresh()`; it is durable when `flushed()` has
//   resolved. After a crash the store is some earlier consistent state, and `committed()` says which.
// - reads never block writes. All times are milliseconds, all ranges half-open.
import type { Event } from '#schemas/event'
import type { Watermark } from '#schemas/position'
import type { ArchivedRecord, EventRecord, Placed } from '#schemas/record'
import type { EntityState } from '#schemas/state'
import type { Closable, HealthSource } from './lifecycle.ts'

export interface ApplyOutcome {
  /** Events refused because their id is taken by another event of the entity: for dead letters. */
  readonly reused: readonly Placed<EventRecord>[]
  /** Events that count from now on. */
  readonly live: number
  /** Repeats that changed nothing. */
  readonly repeats: number
}

export interface StoreWriter extends Closable {
  /** Where a restart has to begin: everything below it is durable. */
  committed(): Promise<Watermark>
  /**
   * Applies records (any partitions, each partition in order) and moves the watermark to `upTo`, in one step.
   * @throws MillraceError STORE_FAILED, DISK_FULL
   */
  apply(records: readonly Placed[], upTo: Watermark): Promise<ApplyOutcome>
  /** Resolves when everything applied so far is durable. */
  flushed(): Promise<void>
  /**
   * Events that `apply` gave as `reused`, as long as `buried` has not been called since, also after a crash: their refusal
   * is stored in the same step in which the watermark passes them.
   */
  unburied(): Promise<readonly Placed<EventRecord>[]>
  /** The dead letters of these are durable; those of others may not be yet. @throws MillraceError STORE_FAILED, DISK_FULL */
  buried(refused: readonly Placed<EventRecord>[]): Promise<void>
}

/** A writer that takes what the archive holds, so that a store can be made again from it. */
export interface FillableStoreWriter extends StoreWriter {
  apply(records: readonly Placed<ArchivedRecord>[], upTo: Watermark): Promise<ApplyOutcome>
}

export interface FindFilter {
  readonly app: number
  readonly channel: number
  readonly startTime: number | null
  readonly untilTime: number | null
  readonly entityType: string | null
  readonly entityId: string | null
  readonly event: string | null
  readonly targetEntityType: string | null
  readonly targetEntityId: string | null
  /** Newest first instead of oldest first; ties by position in the same direction. */
  readonly reversed: boolean
  /** -1: all. */
  readonly limit: number
}

/** The filter that asks for every event of a channel, oldest first; spread it to narrow it. */
export function everyEvent(app: number, channel: number): FindFilter {
  return {
    app,
    channel,
    startTime: null,
    untilTime: null,
    entityType: null,
    entityId: null,
    event: null,
    targetEntityType: null,
    targetEntityId: null,
    reversed: false,
    limit: -1,
  }
}

export interface HistoryRequest {
  readonly app: number
  readonly channel: number
  readonly entityType: string
  readonly entityId: string
  /** For each event name the number of newest events wanted. */
  readonly events: readonly { readonly event: string; readonly limit: number }[]
}

/** One event of a history: enough to score and to explain. */
export interface HistoryEvent {
  readonly event: string
  readonly targetEntityId: string
  readonly eventTime: number
}

export interface EventStore extends Closable, HealthSource {
  /** Makes what the writer has applied visible to the reads that follow. */
  refresh(): void
  /** How far what this reader sees reaches. */
  applied(): Promise<Watermark>
  /** The live event with this id that was created first, of any entity of the channel; null when there is none. */
  get(app: number, channel: number, eventId: string): Promise<Event | null>
  /** All live events with this id, of any entity: what DELETE ends. */
  getAll(app: number, channel: number, eventId: string): Promise<readonly Event[]>
  /** Live events in order of eventTime; holds a bounded number in memory however many match. */
  find(filter: FindFilter): AsyncIterable<Event>
  /** Newest first per event name, those with a target only; repeats of one target are kept (the caller decides). */
  history(request: HistoryRequest): Promise<readonly HistoryEvent[]>
  /** null when no special event of the entity was seen. */
  state(
    app: number,
    channel: number,
    entityType: string,
    entityId: string,
  ): Promise<EntityState | null>
  /** States of all entities of a type, with the offset each is folded up to. */
  states(
    app: number,
    channel: number,
    entityType: string,
  ): AsyncIterable<{
    readonly entityId: string
    readonly state: EntityState
    readonly offset: number
  }>
  /** Ids that were the target (of this entity type) of a live-or-ended event of this name: items "seen". */
  targets(
    app: number,
    channel: number,
    event: string,
    targetEntityType: string,
  ): AsyncIterable<string>
  /** Number of live events of an app, by channel. Exact. */
  count(app: number): Promise<ReadonlyMap<number, number>>
}
