// The writer's decisions about single events: which count, which are repeats, and what ending one takes away.
//
// An identity (entity and event id) has no row of its own while it was never ended: its one append is in the event's
// body. When it ends, its appends are remembered in `ended` and from then on kept there.
import {
  APPENDS_REMEMBERED,
  appendOf,
  contentHash,
  decide,
  type IdentityState,
  type IdentityVerdict,
} from '#schemas/effective'
import { type Event, isSpecialEvent } from '#schemas/event'
import { appendName, identityHash } from '#schemas/identity-hash'
import type { DeletionRecord, EventRecord, Placed, TombstoneRecord } from '#schemas/record'
import { type Batch, createBatch } from './batch.ts'
import { readBody, type StoredEvent, writeBody } from './body.ts'
import { ByteWriter } from './bytes.ts'
import type { Tables } from './environment.ts'
import { createIdIndex, type IdIndex, rowsOf } from './id-index.ts'
import { entityHashes, keyOf, listKey, ROW_BYTES, TENANT_BYTES, writeRow } from './keys.ts'
import { removeEntry } from './lists.ts'
import { createTenants, type Tenant, type Tenants } from './tenants.ts'
import { createTexts, type WritableTexts } from './texts.ts'

/** What the writer keeps in memory between transactions; made anew when one fails. */
export interface Working {
  readonly tables: Tables
  readonly texts: WritableTexts
  readonly tenants: Tenants
  readonly ids: IdIndex
  readonly batch: Batch
}

export function createWorking(tables: Tables): Working {
  const texts = createTexts(tables)
  return {
    tables,
    texts,
    tenants: createTenants(tables),
    ids: createIdIndex(tables),
    batch: createBatch(tables, texts),
  }
}

export interface LiveEvent extends StoredEvent {
  readonly row: Buffer
}

const key = Buffer.alloc(TENANT_BYTES + ROW_BYTES)
const row = key.subarray(TENANT_BYTES)
const body = new ByteWriter()

/** Stores the event if it counts. */
export function applyEvent(working: Working, placed: Placed<EventRecord>): IdentityVerdict {
  const { tables, texts, tenants, ids, batch } = working
  const { record } = placed
  const { eventId, eventTime, creationTime } = record.event
  const tenant = tenants.of(record.app, record.channel)
  const isNew = ids.isNew(tenant, eventId, creationTime)
  const others = isNew ? [] : liveEvents(working, tenant, eventId)
  if (!isNew) {
    const verdict = decideKnown(working, tenant, placed, others)
    if (verdict !== 'live') return verdict
  }
  key.set(tenant.prefix)
  writeRow(row, 0, eventTime, placed)
  body.reset()
  writeBody(body, texts, record)
  tables.events.putSync(key, body.take())
  if (isNew) ids.append(tenant, eventId, row)
  else ids.add(tenant, eventId, row, others.length === 0)
  batch.add(tenant, placed)
  tenant.count++
  tenant.changed = true
  return 'live'
}

/** Decides an event whose id may have been used before; `others` are the live events that carry it. */
function decideKnown(
  working: Working,
  tenant: Tenant,
  placed: Placed<EventRecord>,
  others: readonly LiveEvent[],
): IdentityVerdict {
  const { record } = placed
  const live = others.find(isOfEntity(record.event))
  const remembered = appendsOf(working, tenant, record.event)
  if (live === undefined && remembered === null) return 'live'
  const previous: IdentityState = {
    decidedAt: -1,
    liveAt: live === undefined ? -1 : 0,
    contentHash: live === undefined ? 0 : contentHash({ ...record, event: live.event }),
    appends: remembered ?? (live === undefined ? [] : [live.append]),
  }
  const named = { ...record, appendId: appendName(appendOf(record)) }
  const { state, verdict } = decide(previous, placed.offset, named)
  if (verdict === 'live') rememberAppends(working, tenant, record.event, state.appends)
  return verdict
}

/** Ends the event a deletion names. */
export function applyDeletion(working: Working, { record, offset }: Placed<DeletionRecord>): void {
  const [tenant] = working.tenants.all(record.app, record.channel)
  if (tenant === undefined) return
  const live = liveEvents(working, tenant, record.eventId).find(isOfEntity(record))
  if (live === undefined) return
  endEvents(working, tenant, [live], offset)
}

type EntityId = Pick<Event, 'entityType' | 'entityId'>

const isOfEntity =
  ({ entityType, entityId }: EntityId) =>
  ({ event }: LiveEvent): boolean =>
    event.entityType === entityType && event.entityId === entityId

/** Live events with an id, of any entity. */
function liveEvents(working: Working, tenant: Tenant, eventId: string): LiveEvent[] {
  working.ids.flush()
  return rowsOf(working.tables, tenant.number, eventId)
    .map((found) => readLive(working, tenant, found))
    .filter((live) => live !== null)
}

export function readLive({ tables, texts }: Working, tenant: Tenant, at: Buffer): LiveEvent | null {
  const found = tables.events.get(keyOf(tenant.number, at))
  return found === undefined ? null : { ...readBody(found, texts, at, 0), row: at }
}

/** Ends live events, because of the record at `offset`. */
export function endEvents(
  working: Working,
  tenant: Tenant,
  events: readonly LiveEvent[],
  offset: number,
): void {
  const { tables, texts, ids, batch } = working
  batch.flush()
  const refolded = new Map<string, EntityId>()
  for (const live of events) {
    const { event, append } = live
    rememberAppends(working, tenant, event, appendsOf(working, tenant, event) ?? [append])
    tables.events.removeSync(keyOf(tenant.number, live.row))
    ids.remove(tenant, event.eventId, live.row)
    const hashes = entityHashes(event.entityType, event.entityId)
    const list = listKey(tenant.number, hashes, texts.number(event.event))
    removeEntry(tables.pages, list, live.row)
    if (isSpecialEvent(event.event)) {
      refolded.set(`${event.entityType}\u0000${event.entityId}`, event)
    }
  }
  for (const { entityType, entityId } of refolded.values()) {
    batch.refold(tenant, entityType, entityId, offset)
  }
  tenant.count -= events.length
  tenant.changed = true
}

/** Remembers an append of which only hashes are left, and that its target was seen. */
export function applyTombstone(working: Working, { record }: Placed<TombstoneRecord>): void {
  const { tenants, ids, batch } = working
  const tenant = tenants.of(record.app, record.channel)
  const identity = Buffer.from(record.identity, 'hex')
  const known = rememberedAppends(working, tenant, identity) ?? []
  if (!known.includes(record.append)) {
    const appends = [...known, record.append].slice(-APPENDS_REMEMBERED)
    writeAppends(working, tenant, identity, appends)
  }
  // Its id is not known, so no id of that time may pass as one that was never seen.
  ids.skipTo(tenant, record.creationTime)
  const { event, targetEntityType: type, targetEntityId: target } = record
  if (type !== null && target !== null) batch.seeTarget(tenant, event, type, target)
}

/** The appends remembered of an identity; null when it never ended. */
export function appendsOf(working: Working, tenant: Tenant, event: Event): string[] | null {
  if (!tenant.hasEnded) return null
  const { entityType, entityId, eventId } = event
  return rememberedAppends(working, tenant, identityHash(entityType, entityId, eventId))
}

function rememberedAppends({ tables }: Working, tenant: Tenant, identity: Buffer): string[] | null {
  const packed = tables.ended.get(keyOf(tenant.number, identity))
  if (packed === undefined) return null
  return Array.from({ length: packed.length / 8 }, (_, i) =>
    packed.toString('hex', 8 * i, 8 * i + 8),
  )
}

export function rememberAppends(
  working: Working,
  tenant: Tenant,
  { entityType, entityId, eventId }: Event,
  appends: readonly string[],
): void {
  writeAppends(working, tenant, identityHash(entityType, entityId, eventId), appends)
}

function writeAppends(
  { tables }: Working,
  tenant: Tenant,
  identity: Buffer,
  appends: readonly string[],
): void {
  tables.ended.putSync(keyOf(tenant.number, identity), Buffer.from(appends.join(''), 'hex'))
  tenant.hasEnded = true
  tenant.changed = true
}
