// The store as it is at one moment, table by table (`#ports/store-snapshot`). Numbers of tenants, names and types are given in
// the order in which a version met them, so no key or content told here holds one.
import { createHash } from 'node:crypto'
import type { StoreRow, StoreSnapshot, StoreTable } from '#ports/store-snapshot'
import type { Json } from '#schemas/json'
import type { Stamp } from '#schemas/state'
import { unpackState } from '#schemas/state-row'
import { readBody } from './body.ts'

import { readWatermark, type Table, type Tables } from './environment.ts'
import { rowsOf } from './id-index.ts'
import { behind, keyOf, LIST_BYTES, ROW_BYTES, rowPlace, TENANT_BYTES } from './keys.ts'
import { entriesOf } from './page.ts'
import { createReading } from './reading.ts'
import { allTenants } from './tenants.ts'
import type { Texts } from './texts.ts'

const SLICE = 512
const WORD_BYTES = 4

interface Reading {
  readonly tables: Tables
  readonly texts: Texts
  readonly tenant: number
}

type Rows = Generator<readonly StoreRow[]>

const TABLES: Readonly<Record<StoreTable, (reading: Reading) => Rows>> = {
  events: eventRows,
  states: stateRows,
  histories: historyRows,
  targets: targetRows,
}

/** Holds the pages it may read: the file grows meanwhile, by what is written. */
export function takeSnapshot(root: Tables): StoreSnapshot {
  const { tables, release } = pinned(root)
  const { texts, tenant: tenantOf } = createReading(tables)
  return {
    watermark: readWatermark(tables),
    tenants: () => allTenants(tables.tenants),
    rows: async function* rows(table, app, channel) {
      const tenant = tenantOf(app, channel)
      if (tenant !== null) yield* TABLES[table]({ tables, texts, tenant })
    },
    isUnderItsId: (app, channel, row) => {
      const { eventId } = row.describe()
      const wanted = Buffer.from(row.key, 'latin1')
      const tenant = tenantOf(app, channel)
      if (tenant === null || typeof eventId !== 'string') return false
      return rowsOf(tables, tenant, eventId).some((found) => found.equals(wanted))
    },
    close: async () => release(),
  }
}

/** The tables as one transaction sees them, whatever is written. */
function pinned(tables: Tables): { readonly tables: Tables; readonly release: () => void } {
  const transaction = tables.root.useReadTransaction()
  const pin = (table: Table): Table =>
    ({
      get: (key: Buffer) => table.get(key, { transaction }),
      getRange: (range: object) => table.getRange({ ...range, transaction }),
      getKeys: (range: object) => table.getKeys({ ...range, transaction }),
    }) as unknown as Table
  const { root, ...named } = tables
  const entries = Object.entries(named).map(([name, table]) => [name, pin(table)])
  return {
    tables: { root, ...Object.fromEntries(entries) } as Tables,
    release: () => transaction.done(),
  }
}

function* eventRows({ tables, texts, tenant }: Reading): Rows {
  for (const slice of slices(tables.events, keyOf(tenant))) {
    yield slice.map(({ key, value }) => {
      const row = key.subarray(TENANT_BYTES)
      const { event, append } = readBody(value, texts, row, 0)
      return {
        key: row.toString('latin1'),
        content: JSON.stringify([event, append]),
        describe: () => {
          const { eventId, event: name, entityType, entityId } = event
          return { eventId, event: name, entityType, entityId, position: positionOf(row) }
        },
      }
    })
  }
}

function* stateRows({ tables, texts, tenant }: Reading): Rows {
  const prefix = keyOf(tenant)
  const types = wordsBehind(tables.states, prefix).map((type) => ({ type, name: texts.text(type) }))
  for (const { type, name } of types.sort(byName)) {
    for (const slice of slices(tables.states, keyOf(tenant, type))) {
      yield slice.map(({ key, value }) => {
        const { entityId } = unpackState(value)
        return {
          key: `${name}\u0000${key.toString('latin1', prefix.length + WORD_BYTES)}`,
          content: stateContent(value),
          describe: () => ({ entityType: name, entityId }),
        }
      })
    }
  }
}

function stateContent(value: Buffer): string {
  const { offset, state } = unpackState(value)
  const { set, deleted, firstUpdated, lastUpdated, properties } = state
  const stamp = (at: Stamp | null): Json => at && [at.eventTime, at.generation, at.offset]
  const cells = [...properties]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, cell]): Json => [name, cell.value, stamp(cell.stamp)])
  return JSON.stringify([offset, stamp(set), stamp(deleted), firstUpdated, lastUpdated, cells])
}

/** One row an entity and event name; the content is a hash of the list, since lists may be long. */
function* historyRows(reading: Reading): Rows {
  const { tables, tenant } = reading
  let entity: EntityLists | null = null
  let done: StoreRow[] = []
  for (const slice of slices(tables.pages, keyOf(tenant))) {
    for (const { key, value } of slice) {
      const hash = key.toString('hex', TENANT_BYTES, LIST_BYTES - WORD_BYTES)
      if (entity !== null && entity.hash !== hash) {
        done.push(...rowsOfEntity(reading, entity))
        entity = null
      }
      entity ??= { hash, lists: new Map() }
      addPage(entity, key.readUInt32BE(LIST_BYTES - WORD_BYTES), value)
    }
    if (done.length > 0) yield done
    done = []
  }
  if (entity !== null) yield rowsOfEntity(reading, entity)
}

interface EntityLists {
  /** Of the entity, 16 hex digits. */
  readonly hash: string
  readonly lists: Map<
    number,
    { entries: number; first: Buffer | null; content: ReturnType<typeof createHash> }
  >
}

function addPage({ lists }: EntityLists, name: number, page: Buffer): void {
  const list = lists.get(name) ?? { entries: 0, first: null, content: createHash('md5') }
  lists.set(name, list)
  const entries = entriesOf(page)
  list.entries += entries.length
  list.first ??= entries[0]?.subarray(0, ROW_BYTES) ?? null
  // Behind the flag that says whether older pages follow: where a list is cut is no part of what it says.
  list.content.update(page.subarray(1))
}

function rowsOfEntity(
  { tables, texts, tenant }: Reading,
  { hash, lists }: EntityLists,
): StoreRow[] {
  return [...lists]
    .filter(([, { entries }]) => entries > 0)
    .map(([name, list]) => ({ name: texts.text(name), ...list }))
    .sort(byName)
    .map(({ name, entries, first, content }) => ({
      key: `${hash} ${name}`,
      content: `${entries} events, ${content.digest('hex')}`,
      describe: () => {
        const body = first === null ? undefined : tables.events.get(keyOf(tenant, first))
        if (first === null || body === undefined) return { entityHash: hash, event: name }
        const { entityType, entityId } = readBody(body, texts, first, 0).event
        return { entityType, entityId, event: name }
      },
    }))
}

function* targetRows({ tables, texts, tenant }: Reading): Rows {
  const pairs = wordsBehind(tables.targets, keyOf(tenant)).flatMap((event) =>
    wordsBehind(tables.targets, keyOf(tenant, event)).map((type) => ({
      prefix: keyOf(tenant, event, type),
      name: `${texts.text(event)}\u0000${texts.text(type)}`,
    })),
  )
  for (const { prefix, name } of pairs.sort(byName)) {
    const [event = '', targetEntityType = ''] = name.split('\u0000')
    for (const slice of slices(tables.targets, prefix)) {
      yield slice.map(({ key, value }) => ({
        key: `${name}\u0000${key.toString('latin1', prefix.length)}`,
        content: '',
        describe: () => ({ event, targetEntityType, targetEntityId: value.toString() }),
      }))
    }
  }
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0

/** The numbers that follow a prefix in the keys of a table. */
function wordsBehind(table: Table, prefix: Buffer): number[] {
  const words: number[] = []
  const end = behind(prefix)
  for (let start = prefix; ; ) {
    const [key] = [...table.getKeys({ start, end, limit: 1 })]
    if (key === undefined) return words
    words.push(key.readUInt32BE(prefix.length))
    start = behind(key.subarray(0, prefix.length + WORD_BYTES))
  }
}

/** Entries of all keys with a prefix, in order, a slice at a time. */
function* slices(table: Table, prefix: Buffer): Generator<{ key: Buffer; value: Buffer }[]> {
  const end = behind(prefix)
  for (let start = prefix; ; ) {
    const exclusiveStart = start !== prefix
    const slice = [...table.getRange({ start, end, limit: SLICE, exclusiveStart })]
    if (slice.length > 0) yield slice
    const last = slice.at(-1)
    if (last === undefined || slice.length < SLICE) return
    start = last.key
  }
}

function positionOf(row: Buffer): string {
  const { generation, partition, offset } = rowPlace(row, 0)
  return `${generation}/${partition}/${offset}`
}
