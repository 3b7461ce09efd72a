// What was accepted, counted as PredictionIO's `/stats.json` tells it: in this hour, in the hour before and since the start,
// for each app by entity type, target type and event, and by status. In the memory of this process; `/metrics` is there always.
import type { Clock } from '#ports/clock'
import type { DraftEvent } from '#schemas/event-rules'

export interface Stats {
  /** Counts one event and the status of its reply. */
  count(app: number, event: Kind, status: number): void
  /** The counts of an app, as JSON. */
  report(app: number): string
}

export type Kind = Pick<DraftEvent, 'entityType' | 'targetEntityType' | 'event'>

/** Kinds of events of an app that are told apart in one window; events of more are counted by status alone. */
export const KINDS_MAX = 10_000

const HOUR_MS = 3_600_000

interface Counts {
  readonly kinds: Map<string, { readonly kind: Kind; count: number }>
  readonly statuses: Map<number, number>
}

interface Window {
  readonly start: number
  readonly end: number | null
  readonly apps: Map<number, Counts>
}

export function createStats(clock: Clock): Stats {
  const since: Window = windowFrom(clock.now())
  let hour = windowFrom(hourOf(clock.now()))
  let before = windowFrom(hour.start - HOUR_MS, hour.start)

  /** Begins the hour that it is by now. */
  function roll(): void {
    const start = hourOf(clock.now())
    if (start === hour.start) return
    const isNext = start === hour.start + HOUR_MS
    before = isNext ? { ...hour, end: start } : windowFrom(start - HOUR_MS, start)
    hour = windowFrom(start)
  }

  return {
    count(app, event, status) {
      roll()
      for (const { apps } of [hour, since]) add(countsOf(apps, app), event, status)
    },
    report(app) {
      roll()
      return JSON.stringify({
        time: iso(clock.now()),
        currentHour: shown(hour, app),
        prevHour: shown(before, app),
        longLive: shown(since, app),
      })
    },
  }
}

function windowFrom(start: number, end: number | null = null): Window {
  return { start, end, apps: new Map() }
}

const hourOf = (time: number): number => time - (time % HOUR_MS)
const iso = (time: number): string => new Date(time).toISOString()

function countsOf(apps: Map<number, Counts>, app: number): Counts {
  const known = apps.get(app)
  if (known !== undefined) return known
  const counts: Counts = { kinds: new Map(), statuses: new Map() }
  apps.set(app, counts)
  return counts
}

function add({ kinds, statuses }: Counts, event: Kind, status: number): void {
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
  const { entityType, targetEntityType, event: name } = event
  const key = JSON.stringify([entityType, targetEntityType, name])
  const known = kinds.get(key)
  if (known !== undefined) known.count++
  else if (kinds.size < KINDS_MAX) {
    kinds.set(key, { kind: { entityType, targetEntityType, event: name }, count: 1 })
  }
}

function shown({ start, end, apps }: Window, app: number): object {
  const { kinds, statuses } = apps.get(app) ?? { kinds: new Map(), statuses: new Map() }
  return {
    startTime: iso(start),
    ...(end === null ? {} : { endTime: iso(end) }),
    basic: [...kinds.values()].map(({ kind, count }) => {
      const { entityType, targetEntityType, event } = kind
      const target = targetEntityType === null ? {} : { targetEntityType }
      return { key: { entityType, ...target, event }, value: count }
    }),
    statusCode: [...statuses].map(([key, value]) => ({ key, value })),
  }
}
