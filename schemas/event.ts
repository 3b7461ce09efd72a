// The event: one fact an application tells us. `entityType/entityId` did `event`
// (to `targetEntityType/targetEntityId`) at `eventTime`, with `properties`.

/** An accepted event, as it stands in the log and the store. Times are milliseconds since 1970 (UTC). */
export interface Event {
  readonly eventId: string
  readonly event: string
  readonly entityType: string
  readonly entityId: string
  /** Both target fields are set or neither is. */
  readonly targetEntityType: string | null
  readonly targetEntityId: string | null
  /** A JSON object as text; numbers keep the digits the sender wrote. `{}` when there are none. */
  readonly properties: string
  readonly eventTime: number
  /** The sender's offset from UTC in minutes, -1439..1439. */
  readonly eventTimeOffset: number
  readonly prId: string | null
  readonly creationTime: number
}

/** An entity is named by its type and id; everything about one entity is in one partition, in one order. */
export interface EntityRef {
  readonly entityType: string
  readonly entityId: string
}

/** The three events that change an entity's properties instead of telling what it did. */
export const SPECIAL_EVENTS = ['$set', '$unset', '$delete'] as const
export type SpecialEvent = (typeof SPECIAL_EVENTS)[number]

export function isSpecialEvent(event: string): event is SpecialEvent {
  return event === '$set' || event === '$unset' || event === '$delete'
}

/** The default channel's number. Named channels have numbers from 1 on. */
export const DEFAULT_CHANNEL = 0
