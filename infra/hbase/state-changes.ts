// The states of entities that a batch of events changes: special events are folded into what is stored, and where one of them
// ended the state is folded anew from all that are left.
import { EMPTY_STATE, evolve } from '#schemas/entity-state'
import { type Event, SPECIAL_EVENTS } from '#schemas/event'
import { ORIGIN_GENERATION, orderOf } from '#schemas/position'
import type { EventRecord, Placed } from '#schemas/record'
import type { EntityState } from '#schemas/state'
import { packState, unpackState } from '#schemas/state-row'
import type { Row } from './client.ts'
import { behind, namedKey, stateKey, tenantKey } from './keys.ts'
import { ENDED, isLive, unpackEvent } from './rows.ts'
import type { StoreTables } from './tables.ts'

export interface StateChanges {
  /** A special event counts from now on. */
  fold(placed: Placed<EventRecord>): void
  /** One of the entity's special events ended at this order. */
  foldAnew(record: EventRecord, order: number): void
  /** Writes the states; `hasEnded` names events that are stored still but do not count any more. */
  write(hasEnded: (eventKey: Buffer) => boolean): Promise<void>
}

/** An entity whose state changes. */
interface Changed {
  readonly app: number
  readonly channel: number
  readonly entityType: string
  readonly entityId: string
  /** Order of the last change. */
  order: number
  /** Special events to fold in; null: one of its events ended, so it is folded anew from all that are left. */
  events: Placed<EventRecord>[] | null
}

export function createStateChanges(tables: StoreTables): StateChanges {
  const changed = new Map<string, Changed>()
  const entityOf = ({ app, channel, event }: EventRecord, order: number): Changed => {
    const { entityType, entityId } = event
    const key = stateKey(tenantKey(app, channel), entityType, entityId).toString('latin1')
    const entity = changed.get(key) ?? { app, channel, entityType, entityId, order, events: [] }
    changed.set(key, entity)
    entity.order = Math.max(entity.order, order)
    return entity
  }
  return {
    fold: (placed) => void entityOf(placed.record, orderOf(placed)).events?.push(placed),
    foldAnew: (record, order) => {
      entityOf(record, order).events = null
    },
    write: async (hasEnded) => {
      const entities = [...changed.values()]
      const keys = entities.map((e) =>
        stateKey(tenantKey(e.app, e.channel), e.entityType, e.entityId),
      )
      const before = await tables.getMany('state', keys)
      const rows: Row[] = []
      for (const [at, entity] of entities.entries()) {
        const state =
          entity.events === null
            ? await foldedAnew(tables, entity, hasEnded)
            : foldedOn(before[at] ?? null, entity.events)
        rows.push(stateRowOf(keys[at] as Buffer, entity, state))
      }
      await tables.put('state', rows)
    },
  }
}

function foldedOn(stored: Row | null, events: readonly Placed<EventRecord>[]): EntityState {
  const before = isLive(stored) ? unpackState(stored.value).state : EMPTY_STATE
  return events.reduce((state, placed) => evolve(state, placed.record.event, placed), before)
}

function stateRowOf(key: Buffer, { entityId, order }: Changed, state: EntityState | null): Row {
  const value = state === null ? ENDED : packState({ entityId, offset: order, state })
  return { key, value, timestamp: order }
}

/** The state of an entity from all its special events that count; null when there are none. */
async function foldedAnew(
  tables: StoreTables,
  { app, channel, entityType, entityId }: Changed,
  hasEnded: (key: Buffer) => boolean,
): Promise<EntityState | null> {
  let state: EntityState | null = null
  for (const special of SPECIAL_EVENTS) {
    const prefix = namedKey(tenantKey(app, channel), entityType, entityId, special)
    for await (const row of tables.scan('event', { start: prefix, stop: behind(prefix) })) {
      if (!isLive(row) || hasEnded(row.key)) continue
      const { record, order } = unpackEvent(row)
      if (!isOf(record.event, entityType, entityId, special)) continue
      state = evolve(state ?? EMPTY_STATE, record.event, placeOf(order))
    }
  }
  return state
}

function isOf(event: Event, entityType: string, entityId: string, named: string): boolean {
  return event.entityType === entityType && event.entityId === entityId && event.event === named
}

const GENERATION_ORDERS = orderOf({ generation: ORIGIN_GENERATION + 1, offset: 0 })

/** The place in a partition that an order names. */
export function placeOf(order: number): { readonly generation: number; readonly offset: number } {
  const generation = Math.floor(order / GENERATION_ORDERS)
  return { generation, offset: order - generation * GENERATION_ORDERS }
}
