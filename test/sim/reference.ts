// What the log means, worked out afresh with the pure functions, record by record: the measure of everything that is read.
// For each entity it keeps every state its events were ever in, so that a read can be held against all answers that were
// right at some time while it ran.

import { decide, ends, type IdentityState, identityKey } from '#schemas/effective'
import { EMPTY_STATE, evolve, exists, isDeleted, parsedProperties } from '#schemas/entity-state'
import { DEFAULT_CHANNEL, type Event, isSpecialEvent } from '#schemas/event'
import { orderOf } from '#schemas/position'
import type { EventRecord, Placed } from '#schemas/record'
import type { ItemState } from '#schemas/state'

export type PlacedEvent = Placed<EventRecord>

export interface Entity {
  readonly app: number
  readonly type: string
  readonly id: string
}

/** The events of an entity that count once the first `end` records of its partition are applied. */
interface Snapshot {
  readonly end: number
  readonly live: readonly PlacedEvent[]
}

export interface Reference {
  /** Records of the partition that were looked at. */
  readonly end: number
  /** Places of events whose id was taken by another event: what has to be in dead letters. */
  readonly reused: ReadonlySet<number>
  readonly unreadable: ReadonlySet<number>
  live(): Iterable<PlacedEvent>
  /** Entities of which something was ever said. */
  entities(): Iterable<Entity>
  /** Events of an entity as they were at one time or another while the partition's end went from `from` to `to`. */
  versions(entity: Entity, from: number, to: number): readonly (readonly PlacedEvent[])[]
  /** Takes the records behind those it has; null stands for one that cannot be read. */
  take(records: readonly (Placed | null)[]): void
}

const keyOf = ({ app, type, id }: Entity): string => `${app}/${type}/${id}`

const entityOf = ({ record: { app, event } }: PlacedEvent): Entity => ({
  app,
  type: event.entityType,
  id: event.entityId,
})

/** The reference of one partition. */
export function createReference(): Reference {
  const identities = new Map<string, IdentityState>()
  const live = new Map<string, PlacedEvent>()
  const entities = new Map<string, { readonly entity: Entity; readonly history: Snapshot[] }>()
  const reused = new Set<number>()
  const unreadable = new Set<number>()
  let end = 0

  const remember = (
    placed: PlacedEvent,
    change: (its: readonly PlacedEvent[]) => PlacedEvent[],
  ) => {
    if (placed.record.channel !== DEFAULT_CHANNEL) return
    const entity = entityOf(placed)
    const key = keyOf(entity)
    const known = entities.get(key) ?? { entity, history: [{ end: 0, live: [] }] }
    entities.set(key, known)
    known.history.push({ end: end + 1, live: change(known.history.at(-1)?.live ?? []) })
  }
  const decideOne = (key: string, placed: Placed): void => {
    const { state, verdict } = decide(identities.get(key), orderOf(placed), placed.record)
    identities.set(key, state)
    if (verdict === 'live') {
      live.set(key, placed as PlacedEvent)
      remember(placed as PlacedEvent, (its) => [...its, placed as PlacedEvent])
    } else if (verdict === 'ended') {
      const ended = live.get(key) as PlacedEvent
      live.delete(key)
      remember(ended, (its) => its.filter((other) => other !== ended))
    } else if (verdict === 'reused') reused.add(placed.offset)
  }
  return {
    get end() {
      return end
    },
    reused,
    unreadable,
    live: () => live.values(),
    entities: () => Array.from(entities.values(), ({ entity }) => entity),
    versions(entity, from, to) {
      const history = entities.get(keyOf(entity))?.history ?? [{ end: 0, live: [] }]
      const before = history.findLast((snapshot) => snapshot.end <= from)
      const during = history.filter((snapshot) => snapshot.end > from && snapshot.end <= to)
      return [...(before === undefined ? [] : [before]), ...during].map((snapshot) => snapshot.live)
    },
    take(records) {
      for (const placed of records) {
        if (placed === null) unreadable.add(end)
        else if (placed.record.kind === 'event' || placed.record.kind === 'deletion') {
          decideOne(identityKey(placed.record), placed)
        } else if (placed.record.kind !== 'barrier') {
          for (const [key, its] of [...live]) {
            if (ends(placed.record, its.record)) decideOne(key, placed)
          }
        }
        end++
      }
    },
  }
}

export const eventsOf = (live: readonly PlacedEvent[]): Event[] =>
  live.map(({ record }) => record.event)

/** An item's state, folded from its events in order of their time. */
export function itemStateOf(live: readonly PlacedEvent[]): Omit<ItemState, 'item' | 'offset'> {
  const special = live
    .filter(({ record }) => isSpecialEvent(record.event.event))
    .toSorted((a, b) => a.record.event.eventTime - b.record.event.eventTime || a.offset - b.offset)
  const state = special.reduce((s, placed) => evolve(s, placed.record.event, placed), EMPTY_STATE)
  return {
    exists: exists(state),
    deleted: isDeleted(state),
    properties: exists(state) ? parsedProperties(state) : {},
  }
}
