// The event store in memory: decides with `decide` as `effective` does, keeps the live events in a map and answers every
// read by looking at all of them. Slow and obviously right: the reference for the conformance suite, and the store of the
// simulator.

import type {
  EventStore,
  FindFilter,
  HistoryEvent,
  HistoryRequest,
  StoreWriter,
} from '#ports/event-store'
import { decide, ends, type IdentityState, identityKey } from '#schemas/effective'
import { EMPTY_STATE, evolve } from '#schemas/entity-state'
import { type Event, isSpecialEvent } from '#schemas/event'
import { entityHash } from '#schemas/hashes'
import { emptyWatermark, union, type Watermark } from '#schemas/position'
import type { EventRecord, LogRecord, Placed } from '#schemas/record'
import type { EntityState } from '#schemas/state'

type PlacedEvent = Placed<EventRecord>

interface Target {
  readonly app: number
  readonly channel: number
  readonly event: string
  readonly type: string
  readonly id: string
}

/** What the writer and the readers of one store share. */
export interface MemoryEvents {
  watermark: Watermark
  readonly identities: Map<string, IdentityState>
  readonly live: Map<string, PlacedEvent>
  readonly targets: Map<string, Target>
  /** Offset of the last record that changed an entity's state, by entity. */
  readonly changed: Map<string, number>
  unburied: PlacedEvent[]
}

export function createMemoryEvents(): MemoryEvents {
  return {
    watermark: emptyWatermark(1),
    identities: new Map(),
    live: new Map(),
    targets: new Map(),
    changed: new Map(),
    unburied: [],
  }
}

export function createMemoryStoreWriter(events: MemoryEvents): StoreWriter {
  return {
    committed: async () => events.watermark,
    flushed: async () => {},
    unburied: async () => [...events.unburied],
    buried: async (refused) => {
      const gone = new Set(refused.map(({ partition, offset }) => `${partition}/${offset}`))
      events.unburied = events.unburied.filter((its) => !gone.has(`${its.partition}/${its.offset}`))
    },
    close: async () => {},
    apply: async (records, upTo) => {
      const outcome = { reused: [] as PlacedEvent[], live: 0, repeats: 0 }
      for (const placed of records) {
        if (placed.offset < (events.watermark.offsets[placed.partition] ?? 0)) continue
        if (placed.record.kind === 'event' || placed.record.kind === 'deletion') {
          const verdict = applyOne(events, identityKey(placed.record), placed)
          if (verdict === 'live') outcome.live++
          if (verdict === 'repeat') outcome.repeats++
          if (verdict === 'reused') outcome.reused.push(placed as PlacedEvent)
        } else applyToMany(events, placed)
      }
      events.unburied.push(...outcome.reused)
      events.watermark = union(events.watermark, upTo)
      return outcome
    },
  }
}

function applyOne(events: MemoryEvents, identity: string, placed: Placed): string {
  const { state, verdict } = decide(events.identities.get(identity), placed.offset, placed.record)
  events.identities.set(identity, state)
  if (verdict === 'live') {
    const live = placed as PlacedEvent
    events.live.set(identity, live)
    const { event: name, targetEntityType: type, targetEntityId: id } = live.record.event
    const { app, channel } = live.record
    if (type !== null && id !== null) {
      const target = { app, channel, event: name, type, id }
      events.targets.set(JSON.stringify(target), target)
    }
    if (isSpecialEvent(name)) events.changed.set(entityKey(live), placed.offset)
  }
  if (verdict === 'ended') {
    const ended = events.live.get(identity) as PlacedEvent
    events.live.delete(identity)
    if (isSpecialEvent(ended.record.event.event))
      events.changed.set(entityKey(ended), placed.offset)
  }
  return verdict
}

/** Erasures and data-deletes end events of their partition and forget what was seen of the entity, or of all. */
function applyToMany(events: MemoryEvents, placed: Placed): void {
  for (const [identity, live] of [...events.live]) {
    if (live.partition !== placed.partition || !ends(placed.record, live.record)) continue
    applyOne(events, identity, placed)
  }
  for (const [key, target] of [...events.targets]) {
    if (forgets(placed.record, target)) events.targets.delete(key)
  }
}

function forgets(record: LogRecord, target: Target): boolean {
  if (record.kind === 'data-delete') {
    return record.app === target.app && (record.channel ?? target.channel) === target.channel
  }
  return (
    record.kind === 'erasure' &&
    record.app === target.app &&
    record.channel === target.channel &&
    record.entityHash === entityHash(target.type, target.id)
  )
}

const entityKey = ({ record: { app, channel, event } }: PlacedEvent): string =>
  JSON.stringify([app, channel, event.entityType, event.entityId])

/** Reads see what was written up to the last `refresh`, as a snapshot of the embedded store does. */
export function createMemoryEventStore(events: MemoryEvents): EventStore {
  let live: readonly PlacedEvent[] = []
  let targets: readonly Target[] = []
  let changed: ReadonlyMap<string, number> = new Map()
  let watermark = events.watermark
  const refresh = (): void => {
    live = [...events.live.values()].sort(byPlace)
    targets = [...events.targets.values()]
    changed = new Map(events.changed)
    watermark = events.watermark
  }
  refresh()
  const inChannel = (app: number, channel: number): PlacedEvent[] =>
    live.filter(({ record }) => record.app === app && record.channel === channel)
  const withId = (app: number, channel: number, eventId: string): Event[] =>
    inChannel(app, channel)
      .map(({ record }) => record.event)
      .filter((event) => event.eventId === eventId)
  return {
    refresh,
    close: async () => {},
    health: async () => ({ name: 'store', status: 'ok', detail: 'in memory' }),
    applied: async () => watermark,
    get: async (app, channel, eventId) => withId(app, channel, eventId)[0] ?? null,
    getAll: async (app, channel, eventId) => withId(app, channel, eventId),
    find: (filter) => stream(found(inChannel(filter.app, filter.channel), filter)),
    history: async (request) => history(inChannel(request.app, request.channel), request),
    state: async (app, channel, entityType, entityId) =>
      folded(inChannel(app, channel).filter(isOf(entityType, entityId))),
    states: (app, channel, entityType) =>
      stream(statesOf(inChannel(app, channel), changed, entityType)),
    targets: (app, channel, event, type) =>
      stream(
        targets
          .filter((t) => t.app === app && t.channel === channel)
          .filter((t) => t.event === event && t.type === type)
          .map((t) => t.id),
      ),
    count: async (app) => {
      const counts = new Map<number, number>()
      for (const { record } of live) {
        if (record.app !== app) continue
        counts.set(record.channel, (counts.get(record.channel) ?? 0) + 1)
      }
      return counts
    },
  }
}

const byPlace = (a: Placed, b: Placed): number =>
  a.generation - b.generation || a.offset - b.offset || a.partition - b.partition

const isOf =
  (entityType: string, entityId: string) =>
  ({ record: { event } }: PlacedEvent): boolean =>
    event.entityType === entityType && event.entityId === entityId

async function* stream<T>(values: Iterable<T>): AsyncIterable<T> {
  yield* values
}

function found(events: readonly PlacedEvent[], filter: FindFilter): Event[] {
  const equal = (wanted: string | null, value: string | null): boolean =>
    wanted === null || wanted === value
  const matching = events
    .toSorted((a, b) => a.record.event.eventTime - b.record.event.eventTime || byPlace(a, b))
    .map(({ record }) => record.event)
    .filter((event) => event.eventTime >= (filter.startTime ?? Number.NEGATIVE_INFINITY))
    .filter((event) => event.eventTime < (filter.untilTime ?? Number.POSITIVE_INFINITY))
    .filter((event) => equal(filter.entityType, event.entityType))
    .filter((event) => equal(filter.entityId, event.entityId))
    .filter((event) => equal(filter.event, event.event))
    .filter((event) => equal(filter.targetEntityType, event.targetEntityType))
    .filter((event) => equal(filter.targetEntityId, event.targetEntityId))
  if (filter.reversed) matching.reverse()
  return filter.limit < 0 ? matching : matching.slice(0, filter.limit)
}

function history(events: readonly PlacedEvent[], request: HistoryRequest): HistoryEvent[] {
  const newest = events
    .filter(isOf(request.entityType, request.entityId))
    .sort((a, b) => b.record.event.eventTime - a.record.event.eventTime || byPlace(b, a))
    .map(({ record }) => record.event)
  return request.events.flatMap((wanted) =>
    newest
      .filter((event) => event.event === wanted.event && event.targetEntityId !== null)
      .slice(0, wanted.limit)
      .map(({ event, targetEntityId, eventTime }) => ({
        event,
        targetEntityId: targetEntityId ?? '',
        eventTime,
      })),
  )
}

function folded(events: readonly PlacedEvent[]): EntityState | null {
  const special = events.filter(({ record }) => isSpecialEvent(record.event.event))
  if (special.length === 0) return null
  return special.reduce((state, placed) => evolve(state, placed.record.event, placed), EMPTY_STATE)
}

function statesOf(
  events: readonly PlacedEvent[],
  changed: ReadonlyMap<string, number>,
  entityType: string,
): { entityId: string; state: EntityState; offset: number }[] {
  const ofType = events.filter(({ record }) => record.event.entityType === entityType)
  return [...Map.groupBy(ofType, entityKey)].flatMap(([key, its]) => {
    const state = folded(its)
    const entityId = its[0]?.record.event.entityId ?? ''
    return state === null ? [] : [{ entityId, state, offset: changed.get(key) ?? -1 }]
  })
}
