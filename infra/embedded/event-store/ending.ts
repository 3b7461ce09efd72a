// Records that end many events at once: data-deletes and erasures. They are rare and may look at every row of the tenant;
// all happens in the transaction of the batch, so a reader sees all of it or nothing.
import { entityHash } from '#schemas/hashes'
import type { DataDeleteRecord, ErasureRecord, Placed } from '#schemas/record'
import { readBody } from './body.ts'
import { clearRange, type Table } from './environment.ts'
import {
  appendsOf,
  endEvents,
  type LiveEvent,
  readLive,
  rememberAppends,
  type Working,
} from './identity.ts'
import { behind, keyOf, ROW_BYTES, rowPlace, TENANT_BYTES } from './keys.ts'
import { entriesOf } from './page.ts'
import type { Tenant } from './tenants.ts'

const SLICE = 1000

/** Ends all events of an app or a channel that stand before the record in its partition. */
export function applyDataDelete(
  working: Working,
  { record, partition, offset }: Placed<DataDeleteRecord>,
  partitions: number,
): void {
  const { tables, tenants, ids, batch } = working
  batch.flush()
  ids.flush()
  for (const tenant of tenants.all(record.app, record.channel)) {
    if (partitions === 1) clearTenant(working, tenant)
    else endMatching(working, tenant, offset, ({ row }) => rowPlace(row, 0).partition === partition)
    clearTable(tables.targets, tenant)
  }
  batch.forgetTargets()
}

/** Removes every row of a tenant; only which appends were accepted stays. */
function clearTenant(working: Working, tenant: Tenant): void {
  const { tables, ids } = working
  for (const { event, append } of eventsOf(working, tenant)) {
    // Of an identity that ended before, this append is remembered among the others.
    if (appendsOf(working, tenant, event) === null) {
      rememberAppends(working, tenant, event, [append])
    }
  }
  const { events, pages, idPages, states } = tables
  for (const table of [events, pages, idPages, tables.ids, states]) clearTable(table, tenant)
  ids.forget(tenant)
  tenant.count = 0
  tenant.changed = true
}

function clearTable(table: Table, tenant: Tenant): void {
  const prefix = keyOf(tenant.number)
  clearRange(table, prefix, behind(prefix))
}

/** All live events of a tenant, read in slices; those already given may be removed meanwhile. */
function* eventsOf({ tables, texts }: Working, tenant: Tenant): Generator<LiveEvent> {
  const prefix = keyOf(tenant.number)
  const end = behind(prefix)
  let start = prefix
  for (;;) {
    const slice = [...tables.events.getRange({ start, end, limit: SLICE, exclusiveStart: true })]
    for (const { key, value } of slice) {
      const row = key.subarray(TENANT_BYTES)
      yield { ...readBody(value, texts, row, 0), row }
    }
    const last = slice.at(-1)
    if (last === undefined || slice.length < SLICE) return
    start = last.key
  }
}

function endMatching(
  working: Working,
  tenant: Tenant,
  offset: number,
  matches: (live: LiveEvent) => boolean,
): void {
  let found: LiveEvent[] = []
  for (const live of eventsOf(working, tenant)) {
    if (matches(live)) found.push(live)
    if (found.length < SLICE) continue
    endEvents(working, tenant, found, offset)
    found = []
  }
  endEvents(working, tenant, found, offset)
}

/** Ends what stands before the record about an entity: its own events, and those where it is the target. */
export function applyErasure(
  working: Working,
  placed: Placed<ErasureRecord>,
  partitions: number,
): void {
  const { record, partition, offset } = placed
  const { batch, ids } = working
  batch.flush()
  ids.flush()
  const [tenant] = working.tenants.all(record.app, record.channel)
  if (tenant === undefined) return
  const isHere = ({ row }: LiveEvent): boolean => rowPlace(row, 0).partition === partition
  endEvents(working, tenant, eventsOfEntity(working, tenant, record).filter(isHere), offset)
  const wasTarget = eraseTargets(working, tenant, record)
  // Another partition's copy of this erasure may have taken the targets already.
  if (!wasTarget && partitions === 1) return
  endMatching(working, tenant, offset, (live) => {
    const { targetEntityType: type, targetEntityId: id } = live.event
    return type !== null && id !== null && isHere(live) && isEntity(record, type, id)
  })
}

const isEntity = (record: ErasureRecord, type: string, id: string): boolean =>
  entityHash(type, id) === record.entityHash

function eventsOfEntity(
  working: Working,
  tenant: Tenant,
  { entityHash }: ErasureRecord,
): LiveEvent[] {
  const prefix = keyOf(tenant.number, Buffer.from(entityHash, 'hex'))
  const pages = working.tables.pages.getRange({ start: prefix, end: behind(prefix) })
  return [...pages]
    .flatMap(({ value }) => entriesOf(value))
    .map((entry) => readLive(working, tenant, entry.subarray(0, ROW_BYTES)))
    .filter((live) => live !== null)
}

/** Forgets that the entity was a target; false when it never was one. */
function eraseTargets(working: Working, tenant: Tenant, record: ErasureRecord): boolean {
  const { tables, texts, batch } = working
  const prefix = keyOf(tenant.number)
  const keys: Buffer[] = []
  for (const { key, value } of tables.targets.getRange({ start: prefix, end: behind(prefix) })) {
    const type = texts.text(key.readUInt32BE(2 * TENANT_BYTES))
    if (isEntity(record, type, value.toString())) keys.push(key)
  }
  for (const key of keys) tables.targets.removeSync(key)
  batch.forgetTargets()
  return keys.length > 0
}
