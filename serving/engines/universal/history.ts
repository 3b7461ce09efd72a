// The history of a query: the user's newest events of the engine's indicators and of its blacklist, in one read, and what
// the query itself says was done.
import type { EventStore, HistoryEvent, HistoryRequest } from '#ports/event-store'
import { type UniversalParams, USER_TYPE } from '#schemas/engines/universal'
import { DEFAULT_CHANNEL } from '#schemas/event'
import type { QueryEvent, UniversalQuery } from '#schemas/query'
import { blacklistNames } from './plan.ts'

type Wanted = HistoryRequest['events']

/** Users repeat themselves: to find N distinct ids, up to this many times N events are read. */
const REPEATS = 4

/**
 * Events of one name that are read at most, unless `maxItemsPerUser` is larger. A read is one piece of work on the
 * thread that answers: a robot with a million views must not keep everybody else waiting.
 */
export const HISTORY_EVENTS_MAX = 10_000

/** What to read for a query: each event name once, with the number of newest events. */
export function historyEvents(params: UniversalParams, query: UniversalQuery): Wanted {
  const blacklist = blacklistNames(params, query)
  const limits = new Map<string, number>()
  const countsEvents = params.compatibility !== 'none' && !params.eventWindow.removeDuplicates
  for (const { name, events, maxQueryItems } of params.indicators) {
    if (query.eventNames !== null && !query.eventNames.includes(name)) continue
    const repeated = Math.min(REPEATS * maxQueryItems, HISTORY_EVENTS_MAX)
    const limit = countsEvents ? maxQueryItems : Math.max(maxQueryItems, repeated)
    for (const event of events) limits.set(event, limit)
  }
  // What the user has bought must not come back, however much that is.
  for (const name of blacklist) {
    const known = params.indicators.find((indicator) => indicator.name === name)
    for (const event of known?.events ?? [name]) {
      limits.set(event, Math.max(HISTORY_EVENTS_MAX, limits.get(event) ?? 0))
    }
  }
  return Array.from(limits, ([event, limit]) => ({ event, limit }))
}

/** The time of an event of a query that says none: it has just happened. */
export const JUST_NOW: number = Number.POSITIVE_INFINITY

/** Stored events and those of a query as one history, newest first; at equal times those of the query first. */
export function mergedHistory(
  stored: readonly HistoryEvent[],
  told: readonly QueryEvent[],
): readonly HistoryEvent[] {
  if (told.length === 0) return stored
  const events = told.map(({ event, item, eventTime }) => ({
    event,
    targetEntityId: item,
    eventTime: eventTime ?? JUST_NOW,
  }))
  return [...events, ...stored].sort(newestFirst)
}

/**
 * A history in the words of the engine: events of an alias under the name of their indicator, none that are older than the
 * window of events.
 */
export function createHistoryReading(
  params: UniversalParams,
): (history: readonly HistoryEvent[], now: number) => readonly HistoryEvent[] {
  const { duration } = params.eventWindow
  const names = new Map<string, string>()
  for (const { name, events } of params.indicators) {
    for (const event of events) if (event !== name) names.set(event, name)
  }
  const renamed = (event: HistoryEvent): HistoryEvent => {
    const name = names.get(event.event)
    return name === undefined ? event : { ...event, event: name }
  }
  return (history, now) => {
    let known = history
    if (duration !== null) known = known.filter(({ eventTime }) => eventTime >= now - duration)
    if (names.size === 0) return known
    // Each event name came newest first; several names that are one now have to be brought together.
    return known.map(renamed).sort(newestFirst)
  }
}

const newestFirst = (a: HistoryEvent, b: HistoryEvent): number =>
  a.eventTime === b.eventTime ? 0 : b.eventTime - a.eventTime

export interface HistoryReader {
  /** Reads what the user of a query did, as far as the engine uses it. @throws what the store throws */
  read(user: string, query: UniversalQuery): Promise<readonly HistoryEvent[]>
}

/** Reads histories of one app; the wanted events of a plain query are worked out once. */
export function createHistoryReader(
  store: EventStore,
  app: number,
  params: UniversalParams,
): HistoryReader {
  let plain: Wanted | null = null
  return {
    read(user, query) {
      let events: Wanted
      if (query.eventNames === null) {
        plain ??= historyEvents(params, query)
        events = plain
      } else events = historyEvents(params, query)
      if (events.length === 0) return NOTHING
      // Cheap where nothing was written, and without it this reader may look at an old snapshot.
      store.refresh()
      const entityType = USER_TYPE
      return store.history({ app, channel: DEFAULT_CHANNEL, entityType, entityId: user, events })
    },
  }
}

const NOTHING: Promise<readonly HistoryEvent[]> = Promise.resolve([])
