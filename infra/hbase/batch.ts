// What a batch of single events changes, gathered so that each table is written with few requests. Of several writes of one
// row the one with the highest timestamp counts, as in HBase itself.
import type { IdentityState } from '#schemas/effective'
import { isSpecialEvent } from '#schemas/event'
import { orderOf } from '#schemas/position'
import type { EventRecord, Placed } from '#schemas/record'
import type { Row } from './client.ts'
import { eventKey, idKey, targetKey, tenantKey, timeKey } from './keys.ts'
import type { KnownTargets } from './known-targets.ts'
import {
  ENDED,
  type IdentityRow,
  isLive,
  packEvent,
  packIdentity,
  unpackEvent,
  unpackIdentity,
} from './rows.ts'
import { createStateChanges } from './state-changes.ts'
import type { StoreTables } from './tables.ts'

export interface Batch {
  /** Reads what was decided of identities before. */
  load(keys: readonly Buffer[]): Promise<void>
  identity(key: Buffer): IdentityRow | null
  /** The event counts from now on. */
  begin(key: Buffer, state: IdentityState, placed: Placed<EventRecord>): void
  /** The live event of an identity ends at this order. */
  end(key: Buffer, state: IdentityState, order: number): void
  /** The identity was decided, and nothing else changed. */
  decided(key: Buffer, state: IdentityState): void
  writeEvents(): Promise<void>
  writeStates(): Promise<void>
  writeEnded(): Promise<void>
  writeIdentities(): Promise<void>
}

const name = (key: Buffer): string => key.toString('latin1')

/** Rows to write, the newest of each key. */
function createRows() {
  const rows = new Map<string, Row>()
  return {
    add: (row: Row): void => {
      const known = rows.get(name(row.key))
      if (known === undefined || known.timestamp < row.timestamp) rows.set(name(row.key), row)
    },
    get: (key: Buffer): Row | undefined => rows.get(name(key)),
    all: (): Row[] => [...rows.values()],
  }
}

export function createBatch(tables: StoreTables, targets: KnownTargets): Batch {
  const identities = new Map<string, IdentityRow>()
  const touched = new Map<string, Buffer>()
  const events = createRows()
  const times = createRows()
  const seen: Row[] = []
  const states = createStateChanges(tables)
  /** Events stored before that end, with the order at which. */
  const ending: { readonly event: Buffer; readonly order: number }[] = []

  const endStored = (row: Row, order: number): void => {
    const { record, partition, order: began } = unpackEvent(row)
    const tenant = tenantKey(record.app, record.channel)
    events.add({ key: row.key, value: ENDED, timestamp: order })
    times.add({
      key: timeKey(tenant, record.event, { partition, order: began }),
      value: ENDED,
      timestamp: order,
    })
    if (isSpecialEvent(record.event.event)) states.foldAnew(record, order)
  }
  const keep = (key: Buffer, row: IdentityRow): void => {
    identities.set(name(key), row)
    touched.set(name(key), key)
  }
  return {
    load: async (keys) => {
      const distinct = [...new Map(keys.map((key) => [name(key), key])).values()]
      const rows = await tables.getMany('id', distinct)
      for (const row of rows) if (isLive(row)) identities.set(name(row.key), unpackIdentity(row))
    },
    identity: (key) => identities.get(name(key)) ?? null,
    begin: (key, state, placed) => {
      const { record, partition } = placed
      const { event } = record
      const order = orderOf(placed)
      const tenant = tenantKey(record.app, record.channel)
      const at = eventKey(tenant, event)
      events.add({ key: at, value: packEvent(placed), timestamp: order })
      times.add({ key: timeKey(tenant, event, { partition, order }), value: at, timestamp: order })
      const target = targetOf(placed)
      if (target !== null && targets.add(target.key)) seen.push(target)
      if (isSpecialEvent(event.event)) states.fold(placed)
      keep(key, { state, partition, event: at })
    },
    end: (key, state, order) => {
      const identity = identities.get(name(key)) as IdentityRow
      const pending = events.get(identity.event)
      if (pending !== undefined && isLive(pending)) endStored(pending, order)
      else ending.push({ event: identity.event, order })
      keep(key, { ...identity, state })
    },
    decided: (key, state) => {
      keep(key, { ...(identities.get(name(key)) as IdentityRow), state })
    },
    writeEvents: async () => {
      const rows = await tables.getMany(
        'event',
        ending.map(({ event }) => event),
      )
      for (const [at, row] of rows.entries()) {
        // Gone already: a writer before this one got that far, and its states and times stand before it.
        if (isLive(row)) endStored(row, (ending[at] as { order: number }).order)
      }
      await Promise.all([
        tables.put('event', events.all().filter(isLive)),
        tables.put('time', times.all()),
        tables.put('target', seen),
      ])
    },
    writeStates: () => states.write((key) => events.get(key)?.value === ENDED),
    writeEnded: () =>
      tables.put(
        'event',
        events.all().filter((row) => !isLive(row)),
      ),
    writeIdentities: () => tables.put('id', identityRows(touched, identities)),
  }
}

/** The key of a stored event's identity. */
export function identityKeyOf({ app, channel, event }: EventRecord): Buffer {
  return idKey(tenantKey(app, channel), event)
}

/** The row that says of an event's target that it was seen; null when it has none. */
function targetOf({ record, partition, ...place }: Placed<EventRecord>): Row | null {
  const { event, targetEntityType: type, targetEntityId: id } = record.event
  if (type === null || id === null) return null
  return {
    key: targetKey(tenantKey(record.app, record.channel), { event, type, id }, partition),
    value: Buffer.from(JSON.stringify([event, type, id])),
    timestamp: orderOf(place),
  }
}

function identityRows(
  touched: ReadonlyMap<string, Buffer>,
  identities: ReadonlyMap<string, IdentityRow>,
): Row[] {
  return [...touched].map(([text, key]) => {
    const row = identities.get(text) as IdentityRow
    return { key, value: packIdentity(row), timestamp: row.state.decidedAt }
  })
}
