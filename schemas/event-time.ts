// Times as PredictionIO reads them: strict in an event's body, lenient in a query's parameters.
//
//   body   yyyy-MM-ddTHH:mm:ss[.1–9 digits] and an offset: Z, z, ±HH, ±HHmm or ±HH:mm
//   query  the same, and anything cut off from the right: no offset (UTC), no time, no day, no month

/** Milliseconds since 1970 (fractions cut off) and the sender's offset from UTC in minutes, -1439..1439. */
export interface ParsedTime {
  readonly time: number
  readonly offset: number
}

const DAY_MS = 86_400_000
/** What a JavaScript Date can hold, a day inside its limits so that an offset never leaves them. */
const TIME_MAX = 8.64e15 - DAY_MS

// Events of one request nearly always share a day, so the last one's start is remembered.
let lastDay = ''
let lastDayStart = 0

/** Two ASCII digits at `at`, or -1. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48
  const ones = text.charCodeAt(at + 1) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1
}

/** Reads the time of an event's body; null when PredictionIO would refuse it. */
export function parseEventTime(text: string): ParsedTime | null {
  // The two forms nearly every client sends are read by position; every other form by the pattern below.
  if (text.length < 20 || text.charCodeAt(10) !== 84) return parseByPattern(text)
  const hour = twoDigits(text, 11)
  const minute = twoDigits(text, 14)
  const second = twoDigits(text, 17)
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return parseByPattern(text)
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return null
  let at = 19
  let millis = 0
  if (text.charCodeAt(at) === 46) {
    const from = ++at
    for (let scale = 100; at < text.length; at++) {
      const digit = text.charCodeAt(at) - 48
      if (digit < 0 || digit > 9) break
      millis += digit * scale
      scale = scale === 100 ? 10 : scale === 10 ? 1 : 0
    }
    if (at === from || at - from > 9) return null
  }
  const offset = offsetAt(text, at)
  if (Number.isNaN(offset)) return null
  const day = text.slice(0, 10)
  if (day !== lastDay) {
    const start = dayStart(day)
    if (Number.isNaN(start)) return parseByPattern(text)
    lastDay = day
    lastDayStart = start
  }
  return {
    time: lastDayStart + ((hour * 60 + minute - offset) * 60 + second) * 1000 + millis,
    offset,
  }
}

/** Minutes of the offset that fills the text from `at` to its end, or NaN. */
function offsetAt(text: string, at: number): number {
  const sign = text.charCodeAt(at)
  const left = text.length - at
  if (sign === 90 || sign === 122) return left === 1 ? 0 : Number.NaN
  if (sign !== 43 && sign !== 45) return Number.NaN
  const colon = text.charCodeAt(at + 3) === 58
  if (left !== 3 && left !== (colon ? 6 : 5)) return Number.NaN
  const hours = twoDigits(text, at + 1)
  const minutes = left === 3 ? 0 : twoDigits(text, colon ? at + 4 : at + 3)
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN
  const total = hours * 60 + minutes
  return sign === 45 && total > 0 ? -total : total
}

/** Start of a day written yyyy-MM-dd, or NaN. */
function dayStart(day: string): number {
  const century = twoDigits(day, 0)
  const year = twoDigits(day, 2)
  if (century < 0 || year < 0 || day.charCodeAt(4) !== 45 || day.charCodeAt(7) !== 45)
    return Number.NaN
  return startOfDay(century * 100 + year, twoDigits(day, 5), twoDigits(day, 8))
}

/** Milliseconds at which a day of the proleptic Gregorian calendar begins in UTC, or NaN when there is no such day. */
function startOfDay(year: number, month: number, day: number): number {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return Number.NaN
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const start = date.getTime()
  return Math.abs(start) <= TIME_MAX ? start : Number.NaN
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

const LOOSE =
  /^([+-]?\d{1,9})-(\d\d?)-(\d\d?)T(\d\d?):(\d\d?):(\d\d?)(?:\.(\d{1,9}))?([zZ]|[+-]\d\d(?::?\d\d)?)$/

/** Years of other lengths, and parts of one digit. */
function parseByPattern(text: string): ParsedTime | null {
  const match = LOOSE.exec(text)
  if (match === null) return null
  const part = (group: number): number => Number(match[group])
  const start = startOfDay(part(1), part(2), part(3))
  const offset = offsetAt(match[8] as string, 0)
  if (Number.isNaN(start) || Number.isNaN(offset)) return null
  if (part(4) > 23 || part(5) > 59 || part(6) > 59) return null
  const millis = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3))
  return {
    time: start + ((part(4) * 60 + part(5) - offset) * 60 + part(6)) * 1000 + millis,
    offset,
  }
}

export type QueryTime =
  | ({ readonly ok: true } & ParsedTime)
  /** The text PredictionIO's date library answers with. */
  | { readonly ok: false; readonly message: string }

interface Field {
  readonly name: string
  readonly digits: number
  readonly before: RegExp | null
  readonly min: number
  readonly max: number
}

/** Years are read up to nine digits, as PredictionIO does, so that the rest of the text is judged first. */
const YEAR_PARSED = 999_999_999
/** Years that a time can be made of. */
const YEAR_MAX = 275_000

const FIELDS: readonly Field[] = [
  { name: 'year', digits: 9, before: null, min: -YEAR_PARSED, max: YEAR_PARSED },
  { name: 'monthOfYear', digits: 2, before: /-/y, min: 1, max: 12 },
  { name: 'dayOfMonth', digits: 2, before: /-/y, min: 1, max: 31 },
  { name: 'hourOfDay', digits: 2, before: /T/y, min: 0, max: 23 },
  { name: 'minuteOfHour', digits: 2, before: /:/y, min: 0, max: 59 },
  { name: 'secondOfMinute', digits: 2, before: /:/y, min: 0, max: 59 },
]
const HOUR = 3

/** Reads a time of a query's parameter. What is left out is the first possible (January, 1st, midnight) and UTC. */
export function parseQueryTime(text: string): QueryTime {
  const values = [0, 1, 1, 0, 0, 0]
  let at = 0
  let millis = 0
  for (const [index, field] of FIELDS.entries()) {
    const from = field.before === null ? at : skip(text, at, field.before)
    if (from < 0) {
      // A date may be cut off after the year or the month and go on with its time.
      if (index < HOUR) continue
      break
    }
    const pattern = index === 0 ? /[+-]?\d{1,9}/y : /\d{1,2}/y
    const end = skip(text, from, pattern)
    if (end < 0) {
      if (index === HOUR) at = from
      else if (index === 0) return { ok: false, message: malformed(text, 0) }
      else return { ok: false, message: malformed(text, at) }
      break
    }
    const value = Number(text.slice(from, end))
    if (value < field.min || value > field.max) {
      return { ok: false, message: outOfRange(text, field, value, field.min, field.max) }
    }
    values[index] = value
    at = end
    if (index === FIELDS.length - 1) {
      const fraction = /[.,](\d{1,9})/y
      fraction.lastIndex = at
      const match = fraction.exec(text)
      if (match !== null) {
        millis = Number((match[1] as string).padEnd(3, '0').slice(0, 3))
        at = fraction.lastIndex
      }
    }
  }
  const offset = at === text.length ? 0 : text.includes('T') ? offsetAt(text, at) : Number.NaN
  if (Number.isNaN(offset)) return { ok: false, message: malformed(text, at) }
  const [year, month, day, hour, minute, second] = values as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const start = startOfDay(year, month, day)
  if (Math.abs(year) > YEAR_MAX) {
    return { ok: false, message: outOfRange(text, FIELDS[0] as Field, year, -YEAR_MAX, YEAR_MAX) }
  }
  if (Number.isNaN(start)) {
    const days = daysInMonth(year, month)
    return { ok: false, message: outOfRange(text, FIELDS[2] as Field, day, 1, days) }
  }
  const time = start + ((hour * 60 + minute - offset) * 60 + second) * 1000 + millis
  return { ok: true, time, offset }
}

/** Index behind what the sticky pattern matches at `at`, or -1. */
function skip(text: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

function malformed(text: string, at: number): string {
  const shown = text.length > at + 35 ? `${text.slice(0, at + 32)}...` : text
  if (at <= 0) return `Invalid format: "${shown}"`
  if (at >= text.length) return `Invalid format: "${shown}" is too short`
  return `Invalid format: "${shown}" is malformed at "${shown.slice(at)}"`
}

function outOfRange(text: string, field: Field, value: number, min: number, max: number): string {
  return `Cannot parse "${text.slice(0, 100)}": Value ${value} for ${field.name} must be in the range [${min},${max}]`
}
