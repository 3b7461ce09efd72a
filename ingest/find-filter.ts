// The parameters of a listing, judged in PredictionIO's order: first the forms of `limit` and `reversed` (its framework
// refuses them with a plain text), then the times, then what may not be combined.
import type { FindFilter } from '#ports/event-store'
import { parseQueryTime } from '#schemas/event-time'
import type { IngestLimits } from './limits.ts'
import type { Parameters } from './parameters.ts'

export type FindFilterReading =
  | { readonly ok: true; readonly filter: FindFilter }
  | { readonly ok: false; readonly plainText: boolean; readonly message: string }

const INT_MAX = 2_147_483_647
const INT_MIN = -2_147_483_648
const TRUE = ['true', 'yes', 'on', '1']
const FALSE = ['false', 'no', 'off', '0']
const REVERSED_ALONE =
  'requirement failed: the parameter reversed can only be used with both entityType and entityId specified.'

/** Reads the filter of `GET /events.json`. Any negative limit means all events. */
export function readFindFilter(
  { values }: Parameters,
  app: number,
  channel: number,
  limits: IngestLimits,
): FindFilterReading {
  const limit = readLimit(values.get('limit'), limits.listEventsDefault)
  if (typeof limit === 'string') return { ok: false, plainText: true, message: limit }
  const reversed = readReversed(values.get('reversed'))
  if (typeof reversed === 'string') return { ok: false, plainText: true, message: reversed }

  const times: (number | null)[] = []
  for (const name of ['startTime', 'untilTime']) {
    const text = values.get(name)
    const time = text === undefined ? null : parseQueryTime(text)
    if (time !== null && !time.ok) return { ok: false, plainText: false, message: time.message }
    times.push(time === null ? null : time.time)
  }
  const [startTime = null, untilTime = null] = times
  const entityType = values.get('entityType') ?? null
  const entityId = values.get('entityId') ?? null
  if (reversed && (entityType === null || entityId === null)) {
    return { ok: false, plainText: false, message: REVERSED_ALONE }
  }
  return {
    ok: true,
    filter: {
      app,
      channel,
      startTime,
      untilTime,
      entityType,
      entityId,
      event: values.get('event') ?? null,
      targetEntityType: values.get('targetEntityType') ?? null,
      targetEntityId: values.get('targetEntityId') ?? null,
      reversed,
      limit,
    },
  }
}

/** The limit, or why the text is none. */
function readLimit(text: string | undefined, otherwise: number): number | string {
  if (text === undefined || text === '') return otherwise
  const limit = Number(text)
  if (!/^[+-]?\d+$/.test(text) || limit > INT_MAX || limit < INT_MIN) {
    return malformed('limit', `'${text}' is not a valid 32-bit signed integer value`)
  }
  return limit < 0 ? -1 : limit
}

function readReversed(text: string | undefined): boolean | string {
  if (text === undefined || text === '') return false
  const word = text.toLowerCase()
  if (TRUE.includes(word)) return true
  if (FALSE.includes(word)) return false
  return malformed('reversed', `'${text}' is not a valid Boolean value`)
}

function malformed(name: string, reason: string): string {
  return `The query parameter '${name}' was malformed:\n${reason}`
}
