// When an engine is due for a training, decided from facts alone.
//
// - Times that were missed, while the platform was down or another training ran, are made up for by one training, never
//   by a backlog: only the first time behind the last training counts, and a training reads all there is.
// - One training at a time an engine: what falls due while one runs begins after it, once.
// - A training that failed or was cancelled counts as one: the next time is the next one of the schedule.
import { Cron } from 'croner'
import type { Engine, ModelVersion, Schedule } from '#schemas/directory'
import type { Watermark } from '#schemas/position'

/** How long a schedule by events waits after a training that came to nothing, which may have left no watermark. */
export const FAILED_PAUSE_MS = 600_000

/** What is known of an engine with a schedule. */
export interface ScheduleFacts {
  readonly engine: Pick<Engine, 'schedule' | 'versions'>
  /** Events of its app behind `trainedUpTo`. */
  readonly newEvents: number
  /** A training of it waits or runs. */
  readonly busy: boolean
  readonly now: number
}

/** Whether a training is to be asked for now. */
export function isTrainingDue({ engine, newEvents, busy, now }: ScheduleFacts): boolean {
  const { schedule } = engine
  if (schedule === null || busy) return false
  if (schedule.type === 'after-events') {
    return newEvents >= schedule.count && now >= notBefore(engine.versions[0])
  }
  const next = nextTraining(engine)
  return next !== null && next <= now
}

/** When the schedule asks for its next training, in milliseconds; null when no clock says. May lie in the past. */
export function nextTraining(engine: ScheduleFacts['engine']): number | null {
  const { schedule, versions } = engine
  if (schedule === null) return null
  const since = Math.max(schedule.setAt, versions[0]?.openedAt ?? 0)
  switch (schedule.type) {
    case 'cron':
      return cronOf(schedule.expression).nextRun(new Date(since))?.getTime() ?? null
    case 'every':
      return since + schedule.ms
    case 'after-events':
      return null
  }
}

/** The watermark of the newest training that had one: what is behind it is new. Null: everything is. */
export function trainedUpTo({ versions }: Pick<Engine, 'versions'>): Watermark | null {
  return versions.find(({ watermark }) => watermark !== null)?.watermark ?? null
}

/** Why an expression is none, or null. It has five fields and is in UTC, and a time must come some day. */
export function cronFault(expression: string): string | null {
  if (expression.trim().split(/\s+/).length !== 5) return `"${expression}" has not five fields`
  try {
    const next = cronOf(expression).nextRun(new Date(0))
    return next === null ? `no time fits "${expression}"` : null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** `every 6 h` and the like, for people. */
export function scheduleText(schedule: Schedule): string {
  switch (schedule.type) {
    case 'cron':
      return `cron ${schedule.expression} (UTC)`
    case 'every':
      return `every ${durationText(schedule.ms)}`
    case 'after-events':
      return `after ${schedule.count} events`
  }
}

function durationText(ms: number): string {
  for (const [unit, size] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
  ] as const) {
    if (ms % size === 0) return `${ms / size} ${unit}`
  }
  return `${ms / 1000} s`
}

function notBefore(newest: ModelVersion | undefined): number {
  const nothing = newest?.status === 'failed' || newest?.status === 'cancelled'
  return newest !== undefined && nothing ? newest.openedAt + FAILED_PAUSE_MS : 0
}

/** Never started: it only tells times. */
function cronOf(expression: string): Cron {
  return new Cron(expression, { timezone: 'UTC', mode: '5-part', paused: true })
}
