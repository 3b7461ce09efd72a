// Which events count. Of the records of one identity (app, channel, entity, event id), in order of position:
//
//   (nothing) ── event ──▶ live ── event ──▶ live            the second is a repeat, refused
//                          live ── deletion, erasure, data-delete ──▶ ended
//                          ended ── event ──▶ live           the id is used anew …
//                          ended ── event of an append already accepted ──▶ ended     … but no append counts twice
//
// Every sink, reader and trainer decides with `decide`, so they agree whatever is repeated or read again.
import { entityHash, fnv1a32 } from './hashes.ts'
import { orderOf } from './position.ts'
import type { DeletionRecord, EventRecord, LogRecord, Placed } from './record.ts'

/** Appends remembered per identity. Older ones are forgotten: a copy that late would need as many re-uses of one id. */
export const APPENDS_REMEMBERED = 16

export interface IdentityState {
  /** Order (`orderOf` its place) of the last record decided; one at or below it is a second reading of it. */
  readonly decidedAt: number
  /** Order of the live event, or -1 when there is none. */
  readonly liveAt: number
  /** Hash of the live (or last live) event's content, to tell a plain repeat from an id that was re-used. */
  readonly contentHash: number
  /** Accepted appends, newest last. */
  readonly appends: readonly string[]
}

/**
 * live: the event counts from now on. repeat: refused, same content. reused: refused, other content (EVENT_ID_REUSED).
 * ended: the live event no longer counts. none: nothing changed.
 */
export type IdentityVerdict = 'live' | 'repeat' | 'reused' | 'ended' | 'none'

export interface Decision {
  readonly state: IdentityState
  readonly verdict: IdentityVerdict
}

const NO_STATE: IdentityState = { decidedAt: -1, liveAt: -1, contentHash: 0, appends: [] }

/** The name of this append: its own id, or the event's id where that was made here. */
export function appendOf(record: EventRecord): string {
  return record.appendId === '' ? record.event.eventId : record.appendId
}

/**
 * Hash of what the sender said. Times that we filled in are not part of it: the creation time never, the event's time
 * when it is that too, so that a plain retry of an event without a time is a plain repeat.
 */
export function contentHash(record: EventRecord): number {
  const e = record.event
  const time = e.eventTime === e.creationTime ? '' : e.eventTime
  return fnv1a32(
    `${e.event}\u0000${e.targetEntityType ?? ''}\u0000${e.targetEntityId ?? ''}\u0000${time}\u0000${e.prId ?? ''}\u0000${e.properties}`,
  )
}

/**
 * Decides one record of an identity from what was decided before. Pure; `previous` is undefined for a new identity.
 * `order` is `orderOf` the record's place (in the first generation: its offset).
 */
export function decide(
  previous: IdentityState | undefined,
  order: number,
  record: LogRecord,
): Decision {
  const before = previous ?? NO_STATE
  if (order <= before.decidedAt) return { state: before, verdict: 'none' }
  if (record.kind === 'event') return decideEvent(before, order, record)
  if (record.kind === 'barrier') return { state: before, verdict: 'none' }
  const ended = before.liveAt >= 0
  return {
    state: { ...before, decidedAt: order, liveAt: -1 },
    verdict: ended ? 'ended' : 'none',
  }
}

function decideEvent(before: IdentityState, order: number, record: EventRecord): Decision {
  const hash = contentHash(record)
  const append = appendOf(record)
  if (before.liveAt >= 0 || before.appends.includes(append)) {
    const repeat = before.appends.includes(append) || hash === before.contentHash
    return { state: { ...before, decidedAt: order }, verdict: repeat ? 'repeat' : 'reused' }
  }
  const appends = [...before.appends, append].slice(-APPENDS_REMEMBERED)
  return {
    state: { decidedAt: order, liveAt: order, contentHash: hash, appends },
    verdict: 'live',
  }
}

/** Key of a record's identity: app, channel, entity and event id. */
export function identityKey(record: EventRecord | DeletionRecord): string {
  const { entityType, entityId, eventId } = record.kind === 'event' ? record.event : record
  return `${record.app}/${record.channel}/${entityType.length}:${entityType}${entityId.length}:${entityId}${eventId}`
}

/**
 * The events that count, in order of position, of records in order of position (any identities, one partition). The
 * reference for every sink: simple, and holds everything in memory.
 */
export function effective(records: Iterable<Placed>): Placed<EventRecord>[] {
  const states = new Map<string, IdentityState>()
  const live = new Map<string, Placed<EventRecord>>()
  const decideOne = (key: string, placed: Placed): void => {
    const { state, verdict } = decide(states.get(key), orderOf(placed), placed.record)
    states.set(key, state)
    if (verdict === 'live') live.set(key, placed as Placed<EventRecord>)
    if (verdict === 'ended') live.delete(key)
  }
  for (const placed of records) {
    const { record } = placed
    if (record.kind === 'event' || record.kind === 'deletion')
      decideOne(identityKey(record), placed)
    else if (record.kind !== 'barrier') {
      for (const [key, { record: event }] of [...live])
        if (ends(record, event)) decideOne(key, placed)
    }
  }
  return [...live.values()].sort((a, b) => orderOf(a) - orderOf(b))
}

/** True when an erasure or data-delete ends this event (given that it stands behind it). */
export function ends(record: LogRecord, event: EventRecord): boolean {
  if (record.kind === 'data-delete') {
    return record.app === event.app && (record.channel === null || record.channel === event.channel)
  }
  if (record.kind !== 'erasure') return false
  if (record.app !== event.app || record.channel !== event.channel) return false
  const { entityType, entityId, targetEntityType, targetEntityId } = event.event
  if (entityHash(entityType, entityId) === record.entityHash) return true
  return (
    targetEntityType !== null &&
    targetEntityId !== null &&
    entityHash(targetEntityType, targetEntityId) === record.entityHash
  )
}
