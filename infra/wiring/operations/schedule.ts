// `engine schedule`: when an engine is trained without being asked, and what engine list and show tell of it.
import { MillraceError } from '#ports/errors'
import type { Engine, Schedule } from '#schemas/directory'
import { SCHEDULE_MS_MAX, SCHEDULE_MS_MIN } from '#schemas/directory-fold'
import { parseDuration } from '#schemas/engines/duration'
import type { Json, JsonObject } from '#schemas/json'
import { countNewEvents } from '../../../batch/new-events.ts'
import { cronFault, nextTraining, scheduleText, trainedUpTo } from '../../../batch/schedule.ts'
import type { Platform } from '../platform.ts'
import { flag, optionalText, text } from './arguments.ts'
import { change, engineNamed } from './change.ts'

/**
 * args: `id`, and one of `cron` (five fields, UTC), `every` (a duration), `afterEvents` (a number as text) and `off`; none
 * of them changes nothing. Returns the engine's id and its schedule as it is now.
 */
export async function engineSchedule(platform: Platform, args: JsonObject): Promise<Json> {
  const { directory } = platform
  const id = text(args, 'id')
  const wanted = wantedSchedule(args)
  if (wanted !== undefined) {
    await change(directory, (state) => ({
      expects: { [`engine:${id}`]: engineNamed(state, id).revision },
      changes: [{ type: 'schedule-set', engineId: id, schedule: wanted }],
    }))
  }
  return { id, ...(await shownSchedule(platform, engineNamed(directory.state, id))) }
}

/** The schedule asked for; null: off; undefined: nothing was asked. */
function wantedSchedule(args: JsonObject): Schedule | null | undefined {
  const given = {
    cron: optionalText(args, 'cron'),
    every: optionalText(args, 'every'),
    afterEvents: optionalText(args, 'afterEvents'),
    off: flag(args, 'off') ? 'off' : null,
  }
  const kinds = Object.values(given).filter((value) => value !== null).length
  if (kinds === 0) return undefined
  if (kinds > 1) throw new MillraceError('SCHEDULE_INVALID', { reason: 'there are several' })
  if (given.cron !== null) return cronSchedule(given.cron)
  if (given.every !== null) return intervalSchedule(given.every)
  if (given.afterEvents !== null) return eventsSchedule(given.afterEvents)
  return null
}

function cronSchedule(expression: string): Schedule {
  const reason = cronFault(expression)
  if (reason !== null) throw new MillraceError('SCHEDULE_INVALID', { reason })
  return { type: 'cron', expression }
}

function intervalSchedule(every: string): Schedule {
  const ms = parseDuration(every)
  if (ms !== null && ms >= SCHEDULE_MS_MIN && ms <= SCHEDULE_MS_MAX) return { type: 'every', ms }
  const reason = `"${every}" is not a duration between a minute and 366 days, such as 6h`
  throw new MillraceError('SCHEDULE_INVALID', { reason })
}

function eventsSchedule(count: string): Schedule {
  if (/^[1-9]\d{0,14}$/.test(count)) return { type: 'after-events', count: Number(count) }
  const reason = `"${count}" is not a number of events from 1 on`
  throw new MillraceError('SCHEDULE_INVALID', { reason })
}

/**
 * Members of a shown engine: its schedule in words or null, the next time of it (ISO; what is past begins within a minute,
 * or after the training that runs), and for one by events how many there are.
 */
export async function shownSchedule(
  { archive, log }: Pick<Platform, 'archive' | 'log'>,
  engine: Engine,
): Promise<JsonObject> {
  const { schedule, appId: app } = engine
  if (schedule === null) return { schedule: null, nextTraining: null, newEvents: null }
  const next = nextTraining(engine)
  const behind = trainedUpTo(engine)
  return {
    schedule: scheduleText(schedule),
    nextTraining: next === null ? null : new Date(next).toISOString(),
    newEvents:
      schedule.type === 'after-events'
        ? await countNewEvents({ archive, log, app, behind, enough: schedule.count })
        : null,
  }
}
