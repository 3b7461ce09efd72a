// From a request to the records it appends: ids, append ids, bytes and partition.
import { MillraceError } from '#ports/errors'
import { encodeRecord } from '#schemas/codec'
import type { Event } from '#schemas/event'
import type { DraftEvent } from '#schemas/event-rules'
import { derivedId, type IdSource } from '#schemas/ids'
import { partitionOf } from '#schemas/partition'
import type { Grant } from './access.ts'

/** A record ready for the log. */
export interface Draft {
  readonly eventId: string
  readonly partition: number
  readonly value: Buffer
}

/** What is common to the records of one request. */
export interface RequestContext {
  readonly grant: Grant
  /** The request's Idempotency-Key, or null. */
  readonly idempotencyKey: string | null
  readonly now: number
  readonly partitions: number
  readonly ids: IdSource
}

/**
 * The record of an accepted event; `place` is its place in the batch, 0 for a single one.
 *
 *   eventId   Idempotency-Key   id in the log               append id
 *   none      none              a new one                   empty: the id names the append
 *   none      given             hash of the key and place   empty: the same request is the same append
 *   given     none              the client's                a new one: the id may be used again after a deletion
 *   given     given             the client's                hash of the key and place
 */
export function eventDraft(draft: DraftEvent, place: number, context: RequestContext): Draft {
  const { grant, idempotencyKey, now, ids } = context
  const derived =
    idempotencyKey === null ? null : derivedId(grant.app, grant.channel, idempotencyKey, place)
  const given = draft.eventId
  const eventId = given ?? derived ?? ids(now)
  const appendId = given === null ? '' : (derived ?? ids(now))
  const event: Event = {
    eventId,
    event: draft.event,
    entityType: draft.entityType,
    entityId: draft.entityId,
    targetEntityType: draft.targetEntityType,
    targetEntityId: draft.targetEntityId,
    properties: draft.properties,
    eventTime: draft.eventTime,
    eventTimeOffset: draft.eventTimeOffset,
    prId: draft.prId,
    creationTime: now,
  }
  return {
    eventId,
    partition: partitionOfEntity(event, context),
    value: encodeRecord({
      kind: 'event',
      app: grant.app,
      channel: grant.channel,
      appendId,
      event,
    }),
  }
}

/** The record that ends an event. */
export function deletionDraft(event: Event, context: RequestContext): Draft {
  const { grant, now, ids } = context
  return {
    eventId: event.eventId,
    partition: partitionOfEntity(event, context),
    value: encodeRecord({
      kind: 'deletion',
      app: grant.app,
      channel: grant.channel,
      appendId: ids(now),
      entityType: event.entityType,
      entityId: event.entityId,
      eventId: event.eventId,
      creationTime: now,
    }),
  }
}

function partitionOfEntity(event: Event, { grant, partitions }: RequestContext): number {
  return partitionOf(grant.app, grant.channel, event.entityType, event.entityId, partitions)
}

/** Checks an Idempotency-Key header; absent or empty is null. @throws MillraceError ID_TOO_LONG */
export function readIdempotencyKey(
  header: string | string[] | undefined,
  bytesMax: number,
): string | null {
  if (header === undefined || header === '') return null
  const key = typeof header === 'string' ? header : header.join(', ')
  if (Buffer.byteLength(key) > bytesMax) {
    throw new MillraceError('ID_TOO_LONG', { field: 'Idempotency-Key', limit: bytesMax })
  }
  return key
}
