// Dead letters: looked at, mended, sent again. Sending again goes the way of every event (rules, record, log); the letter
// stays, with a mark behind it.
import { MillraceError } from '#ports/errors'
import { encodeDeadLetter, type ResentMark } from '#schemas/dead-letter'
import { formatEvent } from '#schemas/event-format'
import { type DraftEvent, readEvent } from '#schemas/event-rules'
import type { Json, JsonObject } from '#schemas/json'
import { parseJson } from '#schemas/lenient-json'
import { formatPositions, type Position } from '#schemas/position'
import type { EventRecord } from '#schemas/record'
import { type Draft, eventDraft } from '../../../ingest/record.ts'
import { type FoundLetter, letterAt, newestLetters } from '../dead-letters.ts'
import type { Platform } from '../platform.ts'
import { flag, optionalInteger, optionalText } from './arguments.ts'
import { appNamed, channelNumber } from './change.ts'
import { letterRow, letterView, recordOf, storedEvent } from './letter-view.ts'

const LISTED = 20
/** Letters one list shows at most: each may hold a whole record. */
const LISTED_MAX = 1000

/** args: `limit` (1 to 1,000; 20), `reason`. Newest first, with the counts of all. */
export async function deadLettersList(platform: Platform, args: JsonObject): Promise<Json> {
  const { deadLetters, directory } = platform
  const limit = optionalInteger(args, 'limit') ?? LISTED
  if (limit < 1 || limit > LISTED_MAX) {
    const reason = `a number from 1 to ${LISTED_MAX} is needed`
    throw new MillraceError('PARAMETER_INVALID', { name: 'limit', reason })
  }
  const found = await newestLetters(deadLetters, limit, optionalText(args, 'reason'))
  return {
    counts: await letterCounts(platform),
    letters: found.map((letter) => letterRow(letter, directory.state)),
  }
}

/** Letters by reason, and how many of them were sent again. */
export async function letterCounts({ letterTally }: Platform): Promise<JsonObject> {
  const counts = await letterTally.counts()
  return Object.fromEntries([...counts].map(([reason, count]) => [reason, { ...count }]))
}

/** args: `offset`. */
export async function deadLettersShow(platform: Platform, args: JsonObject): Promise<Json> {
  return letterView(await found(platform, args), platform.directory.state, platform.store)
}

/**
 * args: `offset`; `event` (JSON text of the mended event); `app`, `channel` (names, for a record that cannot be read);
 * `again` for a letter that was sent before. Without an id in `event` the new id follows from the letter, so that a
 * command that is repeated after a crash sends one event.
 */
export async function deadLettersResend(platform: Platform, args: JsonObject): Promise<Json> {
  const { log, deadLetters, clock } = platform
  const letter = await found(platform, args)
  const { at, resent } = letter
  const again = resent !== null
  if (again && !flag(args, 'again')) {
    throw new MillraceError('DEAD_LETTER_RESENT', { offset: at, eventId: resent.eventId })
  }
  const mended = optionalText(args, 'event')
  const { eventId, partition, value } = await draftOf(platform, args, letter, mended)
  const position = await log.append(partition, [value])
  const { reason } = letter.letter
  const mark: ResentMark = {
    kind: 'resent',
    time: clock.now(),
    letter: at,
    reason,
    again,
    mended: mended !== null,
    eventId,
    ...placeOf(position),
  }
  await deadLetters.append(0, [encodeDeadLetter(mark)])
  return { offset: at, eventId, mended: mended !== null, position: formatPositions([position]) }
}

async function found({ deadLetters }: Platform, args: JsonObject): Promise<FoundLetter> {
  const offset = optionalInteger(args, 'offset')
  if (offset === null || offset < 0) {
    const reason = 'the offset of a dead letter is needed'
    throw new MillraceError('PARAMETER_INVALID', { name: 'offset', reason })
  }
  const letter = await letterAt(deadLetters, offset)
  if (letter === null) throw new MillraceError('DEAD_LETTER_NOT_FOUND', { offset })
  return letter
}

/** The record to append. @throws MillraceError EVENT_INVALID, BODY_INVALID, EVENT_ID_REUSED, DEAD_LETTER_NO_EVENT */
async function draftOf(
  platform: Platform,
  args: JsonObject,
  letter: FoundLetter,
  mended: string | null,
): Promise<Draft> {
  const { clock, ids, log, store } = platform
  const read = recordOf(letter.letter)
  const old = read.ok && read.record.kind === 'event' ? read.record : null
  if (mended === null && old === null) {
    throw new MillraceError('DEAD_LETTER_NO_EVENT', { offset: letter.at })
  }
  const now = clock.now()
  const event = eventOf(mended, old, now)
  const { app, channel } = tenantOf(platform, args, letter, old)
  if (old !== null && event.eventId === old.event.eventId) {
    const { entityType, entityId } = event
    const same = entityType === old.event.entityType && entityId === old.event.entityId
    if (same && (await storedEvent(store, { ...old, app, channel })) !== null) {
      throw new MillraceError('EVENT_ID_REUSED', { eventId: event.eventId })
    }
  }
  const { generation } = platform.deadLetters
  const idempotencyKey = `dead letter ${generation}/${letter.at}`
  return eventDraft(event, 0, {
    // No access key stands behind it: who may run commands may send every event.
    grant: { key: '', app, channel, events: null, labels: { app: String(app) } },
    idempotencyKey: letter.resent === null ? idempotencyKey : null,
    now,
    partitions: log.partitions,
    ids,
  })
}

/** The mended event, or the refused one without its id. */
function eventOf(mended: string | null, old: EventRecord | null, now: number): DraftEvent {
  const body = parseJson(mended ?? (old === null ? '' : formatEvent(old.event)))
  if (!body.ok) throw new MillraceError('BODY_INVALID', { reason: body.message })
  const reading = readEvent(body.value, now)
  if (!reading.ok) throw new MillraceError('EVENT_INVALID', { reason: reading.message })
  return mended === null ? { ...reading.event, eventId: null } : reading.event
}

/** App and channel as the caller names them, else those of the record. @throws MillraceError APP_NOT_FOUND */
function tenantOf(
  { directory: { state } }: Platform,
  args: JsonObject,
  letter: FoundLetter,
  old: EventRecord | null,
): { readonly app: number; readonly channel: number } {
  const name = optionalText(args, 'app')
  if (name !== null) {
    const app = appNamed(state, name)
    return { app: app.id, channel: channelNumber(state, app, optionalText(args, 'channel')) }
  }
  if (old === null) throw new MillraceError('DEAD_LETTER_NO_EVENT', { offset: letter.at })
  if (!state.apps.has(old.app)) throw new MillraceError('APP_NOT_FOUND', { app: old.app })
  return { app: old.app, channel: old.channel }
}

function placeOf({ generation, partition, offset }: Position): Position {
  return { generation, partition, offset }
}
