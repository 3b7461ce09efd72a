// The tables of the event store and their keys. All begin with app and channel (4 bytes each), so a tenant is one range.
//
//   event   tenant · entity (8) · event name (4) · reversed time (8) · id (8)    ─▶ partition, record
//   time    tenant · salt (1) · time (8) · order (8) · partition (2)             ─▶ key of the event
//   id      tenant · id (16) · entity (16)                                       ─▶ what was decided of this identity
//   state   tenant · length (2) and text of the entity type · entity id (16)     ─▶ state of the entity
//   target  tenant · event name and type (8) · entity (8) · id (8) · partition (2) ─▶ event name, type, id
//   place   'w' · partition (2)                                                  ─▶ the watermark of a partition
//           'r' · partition (2) · order (8)                                      ─▶ an event refused, not yet in dead letters
//
// Texts are hashes in keys: the reader compares what it finds with what it wanted.
import { hash } from 'node:crypto'
import type { Event } from '#schemas/event'
import { entityHash, fnv1a32 } from '#schemas/hashes'
import type { TableLayout } from './admin.ts'

export const TABLES = ['event', 'time', 'id', 'state', 'target', 'place'] as const
export type TableName = (typeof TABLES)[number]

/** Rows of one time are spread over so many ranges, or all writes would go to the region that holds now. */
export const SALTS = 8

const TENANT_BYTES = 8
/** Times from the year 1 on are negative; keys are compared as unsigned bytes. */
const SIGN = 1n << 63n

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
  return bytes
}

const ascending = (time: number): Buffer => int64(BigInt(time) + SIGN)
const descending = (time: number): Buffer => int64(~(BigInt(time) + SIGN))

function digest(text: string, bytes: number): Buffer {
  return (hash('md5', text, 'buffer') as Buffer).subarray(0, bytes)
}

export function tenantKey(app: number, channel: number | null): Buffer {
  const bytes = Buffer.allocUnsafe(channel === null ? 4 : TENANT_BYTES)
  bytes.writeUInt32BE(app, 0)
  if (channel !== null) bytes.writeUInt32BE(channel, 4)
  return bytes
}

/** The first key behind all that begin with this one; empty when there is none. */
export function behind(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix)
  for (let at = next.length - 1; at >= 0; at--) {
    const byte = next[at] as number
    if (byte === 255) continue
    next[at] = byte + 1
    return next.subarray(0, at + 1)
  }
  return Buffer.alloc(0)
}

export const entityKey = (tenant: Buffer, hashOfEntity: string): Buffer =>
  Buffer.concat([tenant, Buffer.from(hashOfEntity, 'hex')])

export function namedKey(tenant: Buffer, entityType: string, entityId: string, event: string) {
  return Buffer.concat([entityKey(tenant, entityHash(entityType, entityId)), int32(fnv1a32(event))])
}

/** Bytes of an event's key that name tenant, entity and event name. */
export const NAMED_BYTES = TENANT_BYTES + 8 + 4

export function eventKey(tenant: Buffer, event: Event): Buffer {
  const { entityType, entityId, eventTime, eventId } = event
  return Buffer.concat([
    namedKey(tenant, entityType, entityId, event.event),
    descending(eventTime),
    digest(eventId, 8),
  ])
}

/** Where a scan of a named key's events begins (or ends) for a time: before all events of that time, in descending order. */
export const fromTime = (named: Buffer, time: number): Buffer =>
  Buffer.concat([named, descending(time)])

export function timeKey(
  tenant: Buffer,
  event: Event,
  place: { readonly partition: number; readonly order: number },
): Buffer {
  const salt = fnv1a32(event.entityId) % SALTS
  return Buffer.concat([
    saltKey(tenant, salt),
    ascending(event.eventTime),
    int64(BigInt(place.order)),
    int16(place.partition),
  ])
}

export const saltKey = (tenant: Buffer, salt: number): Buffer =>
  Buffer.concat([tenant, Buffer.from([salt])])

export const saltTime = (salted: Buffer, time: number): Buffer =>
  Buffer.concat([salted, ascending(time)])

/** What orders time keys of different salts: all but tenant and salt. */
export const timeOrder = (key: Buffer): Buffer => key.subarray(TENANT_BYTES + 1)

export const idPrefix = (tenant: Buffer, eventId: string): Buffer =>
  Buffer.concat([tenant, digest(eventId, 16)])

export function idKey(
  tenant: Buffer,
  { entityType, entityId, eventId }: Pick<Event, 'entityType' | 'entityId' | 'eventId'>,
): Buffer {
  return Buffer.concat([idPrefix(tenant, eventId), digest(`${entityType}\u0000${entityId}`, 16)])
}

/** App and channel of any key that begins with them. */
export function tenantOf(key: Buffer): { readonly app: number; readonly channel: number } {
  return { app: key.readUInt32BE(0), channel: key.readUInt32BE(4) }
}

export function statePrefix(tenant: Buffer, entityType: string): Buffer {
  const text = Buffer.from(entityType)
  return Buffer.concat([tenant, int16(text.length), text])
}

export const stateKey = (tenant: Buffer, entityType: string, entityId: string): Buffer =>
  Buffer.concat([statePrefix(tenant, entityType), digest(entityId, 16)])

export const targetPrefix = (tenant: Buffer, event: string, type: string): Buffer =>
  Buffer.concat([tenant, digest(`${event}\u0000${type}`, 8)])

export function targetKey(
  tenant: Buffer,
  target: { readonly event: string; readonly type: string; readonly id: string },
  partition: number,
): Buffer {
  return Buffer.concat([
    targetPrefix(tenant, target.event, target.type),
    Buffer.from(entityHash(target.type, target.id), 'hex'),
    digest(target.id, 8),
    int16(partition),
  ])
}

/** The entity's hash and the partition in a target's key. */
export function targetParts(key: Buffer): {
  readonly entityHash: string
  readonly partition: number
} {
  return {
    entityHash: key.toString('hex', TENANT_BYTES + 8, TENANT_BYTES + 16),
    partition: key.readUInt16BE(key.length - 2),
  }
}

export const WATERMARKS = Buffer.from('w')
export const REFUSALS = Buffer.from('r')

export const watermarkKey = (partition: number): Buffer =>
  Buffer.concat([WATERMARKS, int16(partition)])

export const refusalKey = (partition: number, order: number): Buffer =>
  Buffer.concat([REFUSALS, int16(partition), int64(BigInt(order))])

/** Regions that a tenant's events begin with, of the first app: later ones are split by HBase as they grow. */
const FIRST_REGIONS = 4

/** The tables, named with the installation's prefix. */
export function layouts(prefix: string): readonly TableLayout[] {
  const attributes = {
    COMPRESSION: 'GZ',
    DATA_BLOCK_ENCODING: 'FAST_DIFF',
    BLOOMFILTER: 'ROW',
    VERSIONS: '1',
  }
  const first = tenantKey(1, 0)
  const spread = Array.from({ length: FIRST_REGIONS - 1 }, (_, i) =>
    Buffer.concat([first, Buffer.from([((i + 1) * 256) / FIRST_REGIONS])]),
  )
  const salted = Array.from({ length: FIRST_REGIONS - 1 }, (_, i) =>
    saltKey(first, ((i + 1) * SALTS) / FIRST_REGIONS),
  )
  const splits: Partial<Record<TableName, readonly Buffer[]>> = {
    event: spread,
    id: spread,
    time: salted,
  }
  return TABLES.map((table) => ({
    name: tableName(prefix, table),
    attributes,
    splits: splits[table] ?? [],
  }))
}

export const tableName = (prefix: string, table: TableName): string => `${prefix}-${table}`
