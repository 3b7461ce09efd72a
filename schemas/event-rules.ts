// PredictionIO's rules for events, in its order and with its texts, and a few limits of ours behind them. One
// straight-line function: it runs for every event that comes in, over HTTP, from an inbox or from a file.
import { type Event, isSpecialEvent } from './event.ts'
import { type RuleCode, ruleMessage } from './event-rule-texts.ts'
import { parseEventTime } from './event-time.ts'
import { ID_BYTES_MAX } from './ids.ts'
import { describeJson, json4sClass, numberText } from './json4s-text.ts'
import { JsonNumber, NumberRangeError } from './lenient-json.ts'

/** An accepted event before it has a creation time, and perhaps an id. */
export type DraftEvent = Omit<Event, 'eventId' | 'creationTime'> & {
  readonly eventId: string | null
}

export type EventReading =
  | { readonly ok: true; readonly event: DraftEvent }
  | { readonly ok: false; readonly code: RuleCode; readonly message: string }

/** Levels of brackets in `properties`. */
export const PROPERTIES_DEPTH_MAX = 500

/** How a body that is no object is worded: alone, or as an element of a batch. */
export type EventPlace = 'single' | 'batch'

class Refusal extends Error {
  readonly code: RuleCode
  constructor(code: RuleCode, details: Readonly<Record<string, string>> = {}) {
    super(ruleMessage(code, details))
    this.code = code
  }
}

type Body = Readonly<Record<string, unknown>>

/**
 * Reads an event from a body as `parseJson` gave it. `now` is the event's time when it names none. Texts become the
 * event's own copies of numbers (`1` → `"1"`), `properties` compact JSON text with the digits of its numbers kept.
 */
export function readEvent(body: unknown, now: number, place: EventPlace = 'single'): EventReading {
  try {
    return { ok: true, event: read(body, now, place) }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, code: error.code, message: error.message }
    throw error
  }
}

function read(body: unknown, now: number, place: EventPlace): DraftEvent {
  if (!isObject(body)) throw notAnObject(body, place)
  const event = required(body, 'event')
  const eventId = optional(body, 'eventId')
  const entityType = required(body, 'entityType')
  const entityId = required(body, 'entityId')
  const targetEntityType = optional(body, 'targetEntityType')
  const targetEntityId = optional(body, 'targetEntityId')
  const object = propertiesOf(body)
  const timeText = optional(body, 'eventTime')
  const time = timeText === null ? NO_TIME : parseEventTime(timeText)
  if (time === null) throw new Refusal('EVENT_TIME_INVALID', { value: timeText as string })
  const prId = optional(body, 'prId')

  checkEmpty(event, entityType, entityId, targetEntityType, targetEntityId)
  const reservedKey = object === null ? undefined : firstReservedKey(object)
  const isEmpty = object === null || reservedKey === NO_KEYS
  checkReserved(event, entityType, targetEntityType, isEmpty)
  if (typeof reservedKey === 'string') {
    throw new Refusal('PROPERTY_RESERVED', { property: reservedKey })
  }

  limit('event', event)
  limit('entityType', entityType)
  limit('entityId', entityId)
  if (eventId !== null) limit('eventId', eventId)
  if (targetEntityType !== null) limit('targetEntityType', targetEntityType)
  if (targetEntityId !== null) limit('targetEntityId', targetEntityId)
  if (prId !== null) limit('prId', prId)
  return {
    eventId,
    event,
    entityType,
    entityId,
    targetEntityType,
    targetEntityId,
    properties: isEmpty ? '{}' : propertiesText(object),
    eventTime: timeText === null ? now : time.time,
    eventTimeOffset: time.offset,
    prId,
  }
}

const NO_TIME = { time: 0, offset: 0 }

function isObject(value: unknown): value is Body {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber)
  )
}

function notAnObject(body: unknown, place: EventPlace): Refusal {
  const value = describeJson(body)
  if (place === 'single') return new Refusal('EVENT_NOT_AN_OBJECT', { value })
  return new Refusal('BATCH_ELEMENT_NOT_AN_OBJECT', { value, class: json4sClass(body) })
}

function required(body: Body, field: string): string {
  const value = body[field]
  if (typeof value === 'string') return value
  if (value === undefined) throw new Refusal('EVENT_FIELD_MISSING', { field })
  if (value === null) throw new Refusal('EVENT_FIELD_NULL', { field })
  return converted(value)
}

function optional(body: Body, field: string): string | null {
  const value = body[field]
  if (typeof value === 'string') return value
  return value === undefined || value === null ? null : converted(value)
}

function converted(value: unknown): string {
  if (typeof value === 'number' || value instanceof JsonNumber) return numberText(value)
  throw new Refusal('EVENT_FIELD_TYPE', { value: describeJson(value) })
}

function propertiesOf(body: Body): Body | null {
  const value = body.properties
  if (value === undefined || value === null) return null
  if (isObject(value)) return value
  throw new Refusal('PROPERTIES_NOT_AN_OBJECT', { value: describeJson(value) })
}

function isReserved(name: string): boolean {
  return name.charCodeAt(0) === 36 || name.startsWith('pio_')
}

const NO_KEYS = Symbol('no keys')

function firstReservedKey(object: Body): string | typeof NO_KEYS | undefined {
  let found: string | typeof NO_KEYS | undefined = NO_KEYS
  for (const key in object) {
    if (isReserved(key)) return key
    found = undefined
  }
  return found
}

function checkEmpty(
  event: string,
  entityType: string,
  entityId: string,
  targetEntityType: string | null,
  targetEntityId: string | null,
): void {
  if (event === '') throw new Refusal('EVENT_NAME_EMPTY')
  if (entityType === '') throw new Refusal('ENTITY_TYPE_EMPTY')
  if (entityId === '') throw new Refusal('ENTITY_ID_EMPTY')
  if (targetEntityType === '') throw new Refusal('TARGET_ENTITY_TYPE_EMPTY')
  if (targetEntityId === '') throw new Refusal('TARGET_ENTITY_ID_EMPTY')
  if ((targetEntityType === null) !== (targetEntityId === null)) {
    throw new Refusal('TARGET_ENTITY_INCOMPLETE')
  }
}

function checkReserved(
  event: string,
  entityType: string,
  targetEntityType: string | null,
  hasNoProperties: boolean,
): void {
  if (isReserved(event)) {
    if (event === '$unset' && hasNoProperties) throw new Refusal('UNSET_WITHOUT_PROPERTIES')
    if (!isSpecialEvent(event)) throw new Refusal('EVENT_NAME_RESERVED', { event })
    if (targetEntityType !== null) throw new Refusal('SPECIAL_EVENT_WITH_TARGET', { event })
  }
  if (isReserved(entityType) && entityType !== 'pio_pr') {
    throw new Refusal('ENTITY_TYPE_RESERVED', { entityType })
  }
  if (targetEntityType !== null && isReserved(targetEntityType) && targetEntityType !== 'pio_pr') {
    throw new Refusal('TARGET_ENTITY_TYPE_RESERVED', { targetEntityType })
  }
}

function limit(field: string, text: string): void {
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 > ID_BYTES_MAX && Buffer.byteLength(text) > ID_BYTES_MAX) {
    throw new Refusal('ID_TOO_LONG', { field, limit: String(ID_BYTES_MAX) })
  }
}

function propertiesText(object: Body | null): string {
  let text: string
  try {
    text = JSON.stringify(object)
  } catch (error) {
    if (error instanceof NumberRangeError) throw new Refusal('PROPERTIES_NUMBER_RANGE')
    // The stack overflowed: far deeper than the limit.
    if (error instanceof RangeError) throw tooDeep()
    throw error
  }
  if (text.length > 2 * PROPERTIES_DEPTH_MAX && depthOf(text) > PROPERTIES_DEPTH_MAX)
    throw tooDeep()
  return text
}

function tooDeep(): Refusal {
  return new Refusal('PROPERTIES_TOO_DEEP', { limit: String(PROPERTIES_DEPTH_MAX) })
}

/** Levels of brackets in a JSON text. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === 0x22) {
      do {
        at = text.indexOf('"', at + 1)
      } while (isEscaped(text, at))
    } else if (c === 0x7b || c === 0x5b) deepest = Math.max(deepest, ++depth)
    else if (c === 0x7d || c === 0x5d) depth--
  }
  return deepest
}

/** True when an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number): boolean {
  let from = at
  while (text.charCodeAt(from - 1) === 0x5c) from--
  return (at - from) % 2 === 1
}
