// Records that end many events at once: erasures and data-deletes. They are rare and scan; each ends what stands before it in
// its own partition, so the copies in the other partitions do the rest.
import { decide } from '#schemas/effective'
import { isSpecialEvent } from '#schemas/event'
import { entityHash } from '#schemas/hashes'
import { orderOf } from '#schemas/position'
import type { DataDeleteRecord, ErasureRecord, EventRecord, Placed } from '#schemas/record'
import { identityKeyOf } from './batch.ts'
import type { Row } from './client.ts'
import { behind, stateKey, targetParts, tenantKey, timeKey } from './keys.ts'
import {
  ENDED,
  type IdentityRow,
  isLive,
  packIdentity,
  type StoredEvent,
  unpackEvent,
  unpackIdentity,
} from './rows.ts'
import type { StoreTables } from './tables.ts'

type Ending = Placed<ErasureRecord | DataDeleteRecord>

export async function applyEnding(tables: StoreTables, placed: Ending): Promise<void> {
  const { record } = placed
  const tenant = tenantKey(record.app, record.channel)
  for await (const rows of tables.scanAll('event', { start: tenant, stop: behind(tenant) })) {
    const found = rows.filter((row) => isLive(row) && isEnded(placed, unpackEvent(row)))
    await endSlice(tables, placed, found)
  }
  await endTargets(tables, placed, tenant)
}

function isEnded({ record, partition, ...place }: Ending, stored: StoredEvent): boolean {
  if (stored.partition !== partition || stored.order >= orderOf(place)) return false
  if (record.kind === 'data-delete') return true
  const { entityType, entityId, targetEntityType, targetEntityId } = stored.record.event
  if (entityHash(entityType, entityId) === record.entityHash) return true
  if (targetEntityType === null || targetEntityId === null) return false
  return entityHash(targetEntityType, targetEntityId) === record.entityHash
}

/** Ends some events, in the order of a batch: times and states, then the events, then what was decided of them. */
async function endSlice(tables: StoreTables, placed: Ending, rows: readonly Row[]): Promise<void> {
  const order = orderOf(placed)
  const stored = rows.map(unpackEvent)
  const identities = await tables.getMany(
    'id',
    stored.map(({ record }) => identityKeyOf(record)),
  )
  const ended = (key: Buffer): Row => ({ key, value: ENDED, timestamp: order })
  await tables.put(
    'time',
    stored.map((event) => ended(timeKeyOf(event))),
  )
  // All events of an entity stand in one partition: when one of its special events ends here, all do.
  const special = stored.filter(({ record }) => isSpecialEvent(record.event.event))
  await tables.put(
    'state',
    special.map(({ record }) => ended(stateKeyOf(record))),
  )
  await tables.put(
    'event',
    rows.map(({ key }) => ended(key)),
  )
  const decided = identities.flatMap((row) => {
    if (!isLive(row)) return []
    const identity: IdentityRow = unpackIdentity(row)
    const { state } = decide(identity.state, order, placed.record)
    return { key: row.key, value: packIdentity({ ...identity, state }), timestamp: order }
  })
  await tables.put('id', decided)
}

function timeKeyOf({ record, partition, order }: StoredEvent): Buffer {
  return timeKey(tenantKey(record.app, record.channel), record.event, { partition, order })
}

function stateKeyOf({ app, channel, event }: EventRecord): Buffer {
  return stateKey(tenantKey(app, channel), event.entityType, event.entityId)
}

async function endTargets(tables: StoreTables, placed: Ending, tenant: Buffer): Promise<void> {
  const { record, partition } = placed
  const order = orderOf(placed)
  const isEndedTarget = (row: Row): boolean => {
    const parts = targetParts(row.key)
    if (!isLive(row) || parts.partition !== partition || row.timestamp >= order) return false
    return record.kind !== 'erasure' || parts.entityHash === record.entityHash
  }
  for await (const rows of tables.scanAll('target', { start: tenant, stop: behind(tenant) })) {
    const ended = rows.filter(isEndedTarget)
    await tables.put(
      'target',
      ended.map(({ key }) => ({ key, value: ENDED, timestamp: order })),
    )
  }
}
