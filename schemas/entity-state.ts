// The fold of `$set`, `$unset` and `$delete` into an entity's properties. Each property key holds the newest write of it;
// the entity holds its newest `$set` and newest `$delete`. "Newest" is by eventTime, then position: the order of arrival
// does not matter, and applying an event twice changes nothing.
import type { Event } from './event.ts'
import type { Json } from './json.ts'
import { members } from './json-members.ts'
import type { EntityState, PropertyCell, Stamp } from './state.ts'

export const EMPTY_STATE: EntityState = {
  properties: new Map(),
  set: null,
  deleted: null,
  firstUpdated: Number.POSITIVE_INFINITY,
  lastUpdated: Number.NEGATIVE_INFINITY,
}

/** Negative when `a` is older than `b`; no stamp is older than any. */
export function compareStamps(a: Stamp | null, b: Stamp | null): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1)
  return a.eventTime - b.eventTime || a.generation - b.generation || a.offset - b.offset
}

const newer = (a: Stamp | null, b: Stamp | null): boolean => compareStamps(a, b) > 0

/** The state with one special event folded in; any other event leaves it as it is. */
export function evolve(
  state: EntityState,
  event: Event,
  place: { readonly generation: number; readonly offset: number },
): EntityState {
  const stamp: Stamp = {
    eventTime: event.eventTime,
    generation: place.generation,
    offset: place.offset,
  }
  const touched = {
    firstUpdated: Math.min(state.firstUpdated, event.eventTime),
    lastUpdated: Math.max(state.lastUpdated, event.eventTime),
  }
  switch (event.event) {
    case '$set':
      return {
        ...state,
        ...touched,
        set: newer(stamp, state.set) ? stamp : state.set,
        properties: written(state.properties, event.properties, stamp, false),
      }
    case '$unset':
      return {
        ...state,
        ...touched,
        properties: written(state.properties, event.properties, stamp, true),
      }
    case '$delete':
      return { ...state, ...touched, deleted: newer(stamp, state.deleted) ? stamp : state.deleted }
    default:
      return state
  }
}

function written(
  cells: EntityState['properties'],
  properties: string,
  stamp: Stamp,
  removed: boolean,
): Map<string, PropertyCell> {
  const next = new Map(cells)
  for (const [key, value] of members(properties)) {
    const cell = next.get(key)
    if (cell === undefined || newer(stamp, cell.stamp)) {
      next.set(key, { stamp, value: removed ? null : value })
    }
  }
  return next
}

/** The entity is there: its newest `$set` is newer than its newest `$delete`. */
export function exists(state: EntityState): boolean {
  return state.set !== null && newer(state.set, state.deleted)
}

/** It was deleted and not set again since. */
export function isDeleted(state: EntityState): boolean {
  return state.deleted !== null && !newer(state.set, state.deleted)
}

/** The properties that show, as JSON text by key; empty when the entity does not exist. */
export function visibleProperties(state: EntityState): Map<string, string> {
  const visible = new Map<string, string>()
  if (!exists(state)) return visible
  for (const [key, { stamp, value }] of state.properties) {
    if (value !== null && newer(stamp, state.deleted)) visible.set(key, value)
  }
  return visible
}

/** The same, parsed. */
export function parsedProperties(state: EntityState): Record<string, Json> {
  const parsed: Record<string, Json> = {}
  for (const [key, text] of visibleProperties(state)) {
    Object.defineProperty(parsed, key, {
      value: JSON.parse(text) as Json,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  }
  return parsed
}
