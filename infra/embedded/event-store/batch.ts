// What one transaction of the writer gathers before it writes: entries of lists, states and targets, so that rows which
// several events of the batch touch are read and written once, in order of their keys.

import { EMPTY_STATE, evolve } from '#schemas/entity-state'
import { type Event, isSpecialEvent, SPECIAL_EVENTS } from '#schemas/event'
import type { EventRecord, Placed } from '#schemas/record'
import { packState, type StateRow, unpackState } from '#schemas/state-row'
import { readBody } from './body.ts'
import type { Tables } from './environment.ts'
import {
  entityHashes,
  keyOf,
  LIST_BYTES,
  listKey,
  ROW_BYTES,
  rowPlace,
  stateKey,
  textKey,
  writeListKey,
} from './keys.ts'
import { addEntries, listPages } from './lists.ts'
import { compareEntries, type Entry, entriesOf } from './page.ts'
import type { Tenant } from './tenants.ts'
import type { WritableTexts } from './texts.ts'

/** Targets known to be stored already; beyond that the memory starts anew. */
const TARGETS_REMEMBERED = 200_000
const list = Buffer.alloc(LIST_BYTES)

interface Pending extends Entry {
  readonly tenant: number
  readonly high: number
  readonly low: number
  readonly name: number
}

export interface Batch {
  /** Gathers what a live event adds. */
  add(tenant: Tenant, placed: Placed<EventRecord>): void
  /** An item was seen as a target of such an event. */
  seeTarget(tenant: Tenant, event: string, targetEntityType: string, targetEntityId: string): void
  /** Folds an entity's state anew from its events, because a special one of them has ended at `offset`. */
  refold(tenant: Tenant, entityType: string, entityId: string, offset: number): void
  /** Writes all that was gathered. Before anything is read or removed. */
  flush(): void
  /** Forgets which targets are stored. */
  forgetTargets(): void
}

export function createBatch(tables: Tables, texts: WritableTexts): Batch {
  const { pages, states, targets } = tables
  let pending: Pending[] = []
  const changed = new Map<string, { key: Buffer; row: StateRow }>()
  const known = createKnownTargets()
  const noteTarget = (tenant: Tenant, name: number, type: number, id: string): void => {
    if (known.has(tenant.number, name, type, id)) return
    const key = keyOf(tenant.number, name, type, textKey(id))
    if (!targets.doesExist(key)) targets.putSync(key, Buffer.from(id))
  }
  const foldIn = (tenant: Tenant, event: Event, placed: Placed): void => {
    const key = stateKey(tenant.number, texts.number(event.entityType), event.entityId)
    const name = key.toString('latin1')
    const before = changed.get(name)?.row ?? readState(key)
    const state = evolve(before?.state ?? EMPTY_STATE, event, placed)
    changed.set(name, { key, row: { entityId: event.entityId, offset: placed.offset, state } })
  }
  const readState = (key: Buffer): StateRow | null => {
    const row = states.get(key)
    return row === undefined ? null : unpackState(row)
  }
  const flushLists = (): void => {
    pending.sort(byList)
    for (let i = 0; i < pending.length; ) {
      const first = pending[i] as Pending
      const entries = [first]
      for (i++; i < pending.length && sameList(first, pending[i] as Pending); i++) {
        entries.push(pending[i] as Pending)
      }
      writeListKey(list, first.tenant, first.high, first.low, first.name)
      addEntries(pages, list, entries)
    }
    pending = []
  }
  const flush = (): void => {
    flushLists()
    for (const { key, row } of changed.values()) states.putSync(key, packState(row))
    changed.clear()
  }
  return {
    flush,
    add: (tenant, placed) => {
      const { event } = placed.record
      const { targetEntityType: type, targetEntityId: target } = event
      const [high, low] = entityHashes(event.entityType, event.entityId)
      const name = texts.number(event.event)
      const { number } = tenant
      const { eventTime } = event
      pending.push({ tenant: number, high, low, name, eventTime, place: placed, target })
      if (type !== null && target !== null) noteTarget(tenant, name, texts.number(type), target)
      if (isSpecialEvent(event.event)) foldIn(tenant, event, placed)
    },
    seeTarget: (tenant, event, type, id) =>
      noteTarget(tenant, texts.number(event), texts.number(type), id),
    refold: (tenant, entityType, entityId, offset) => {
      const key = stateKey(tenant.number, texts.number(entityType), entityId)
      let state = EMPTY_STATE
      for (const { event, row } of specialEvents(tables, texts, tenant, entityType, entityId)) {
        state = evolve(state, event, rowPlace(row, 0))
      }
      if (state === EMPTY_STATE) states.removeSync(key)
      else states.putSync(key, packState({ entityId, offset, state }))
    },
    forgetTargets: known.clear,
  }
}

/** Remembers targets, to ask the table once about each. */
function createKnownTargets() {
  const tenants = new Map<number, Map<number, Map<number, Set<string>>>>()
  let count = 0
  const clear = (): void => {
    tenants.clear()
    count = 0
  }
  const inner = <V>(map: Map<number, V>, key: number, make: () => V): V => {
    const known = map.get(key)
    if (known !== undefined) return known
    const made = make()
    map.set(key, made)
    return made
  }
  return {
    clear,
    /** True when it is known; it is from now on. */
    has: (tenant: number, name: number, type: number, id: string): boolean => {
      if (count >= TARGETS_REMEMBERED) clear()
      const names = inner(tenants, tenant, () => new Map<number, Map<number, Set<string>>>())
      const types = inner(names, name, () => new Map<number, Set<string>>())
      const ids = inner(types, type, () => new Set<string>())
      if (ids.has(id)) return true
      ids.add(id)
      count++
      return false
    },
  }
}

function* specialEvents(
  { pages, events }: Tables,
  texts: WritableTexts,
  tenant: Tenant,
  entityType: string,
  entityId: string,
): Generator<{ event: Event; row: Buffer }> {
  for (const name of SPECIAL_EVENTS) {
    const hashes = entityHashes(entityType, entityId)
    const list = listKey(tenant.number, hashes, texts.number(name))
    for (const page of listPages(pages, list, false)) {
      for (const entry of entriesOf(page)) {
        const row = entry.subarray(0, ROW_BYTES)
        const body = events.get(keyOf(tenant.number, row))
        if (body !== undefined) yield { event: readBody(body, texts, row, 0).event, row }
      }
    }
  }
}

const sameList = (a: Pending, b: Pending): boolean =>
  a.low === b.low && a.high === b.high && a.name === b.name && a.tenant === b.tenant

/** By key of the list, newest first inside of it. */
const byList = (a: Pending, b: Pending): number =>
  a.tenant - b.tenant || a.high - b.high || a.low - b.low || a.name - b.name || compareEntries(b, a)
