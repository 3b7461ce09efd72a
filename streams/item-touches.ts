// What a batch of records means for the item index: whose state has to be read again, and which items were seen for the
// first time. The store sink collects it beside its own work, so that the thread that answers queries, where the index
// lives, is told ids and never decodes a record.
import { DEFAULT_CHANNEL, isSpecialEvent } from '#schemas/event'
import type { EventRecord, LogRecord, Placed } from '#schemas/record'

/** Item entities and targets have this type; other types are no items. */
export const ITEM_TYPE = 'item'

export interface ItemTouches {
  readonly app: number
  /** Data of the app were deleted or erased: forget its items and read all of them again. */
  readonly reset: boolean
  /** Items whose state may have changed. */
  readonly states: readonly string[]
  /** Targets of primary events, each told once. */
  readonly seen: readonly { readonly event: string; readonly items: readonly string[] }[]
}

/** Names of the events whose targets are items, by app. */
export type PrimaryEvents = ReadonlyMap<number, ReadonlySet<string>>

export interface TouchCollector {
  setPrimaryEvents(events: PrimaryEvents): void
  collect(records: readonly Placed[]): readonly ItemTouches[]
}

/** Items remembered as told; beyond it all are forgotten and told again, which changes nothing. */
const TOLD_MAX = 2_000_000

interface AppTouches {
  reset: boolean
  readonly states: Set<string>
  readonly seen: Map<string, string[]>
}

export function createTouchCollector(toldMax = TOLD_MAX): TouchCollector {
  let primary: PrimaryEvents = new Map()
  /** By app, then event name. */
  const told = new Map<number, Map<string, Set<string>>>()
  let toldCount = 0

  const isNew = (app: number, event: string, item: string): boolean => {
    if (toldCount >= toldMax) {
      told.clear()
      toldCount = 0
    }
    const items = entry(
      entry(told, app, () => new Map<string, Set<string>>()),
      event,
      () => new Set<string>(),
    )
    if (items.has(item)) return false
    items.add(item)
    toldCount++
    return true
  }
  return {
    setPrimaryEvents: (events) => {
      primary = events
    },
    collect: (records) => {
      const apps = new Map<number, AppTouches>()
      const of = (app: number): AppTouches =>
        entry(apps, app, () => ({ reset: false, states: new Set(), seen: new Map() }))
      for (const { record } of records) {
        if (record.kind === 'event') {
          const { event, targetEntityId } = record.event
          if (isItemState(record)) of(record.app).states.add(record.event.entityId)
          else if (
            targetEntityId !== null &&
            isPrimary(primary, record) &&
            isNew(record.app, event, targetEntityId)
          ) {
            entry(of(record.app).seen, event, () => [] as string[]).push(targetEntityId)
          }
        } else if (isReset(record)) {
          of(record.app).reset = true
          // What was seen before may be gone with the data; what comes behind is to be told anew.
          told.delete(record.app)
        } else if (record.kind === 'deletion' && isItemOfDefault(record)) {
          of(record.app).states.add(record.entityId)
        }
      }
      return [...apps].map(([app, touches]) => ({
        app,
        reset: touches.reset,
        states: [...touches.states],
        seen: [...touches.seen].map(([event, items]) => ({ event, items })),
      }))
    },
  }
}

function isItemOfDefault(record: { channel: number; entityType: string }): boolean {
  return record.channel === DEFAULT_CHANNEL && record.entityType === ITEM_TYPE
}

function isItemState({ channel, event }: EventRecord): boolean {
  return (
    channel === DEFAULT_CHANNEL && event.entityType === ITEM_TYPE && isSpecialEvent(event.event)
  )
}

function isPrimary(primary: PrimaryEvents, { app, channel, event }: EventRecord): boolean {
  return (
    channel === DEFAULT_CHANNEL &&
    event.targetEntityType === ITEM_TYPE &&
    primary.get(app)?.has(event.event) === true
  )
}

/** An erasure names its entity by hash only, so all items of the app are read again; erasures are rare. */
function isReset(
  record: LogRecord,
): record is Extract<LogRecord, { kind: 'erasure' | 'data-delete' }> {
  if (record.kind === 'erasure') return record.channel === DEFAULT_CHANNEL
  if (record.kind !== 'data-delete') return false
  return record.channel === null || record.channel === DEFAULT_CHANNEL
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
