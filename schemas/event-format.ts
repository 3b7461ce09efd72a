// Events and times as PredictionIO prints them.
import type { Event } from './event.ts'

const DAY_MS = 86_400_000
const pad2 = (n: number): string => (n < 10 ? `0${n}` : String(n))
const TWO = Array.from({ length: 60 }, (_, n) => pad2(n))
const two = (n: number): string => TWO[n] as string

// Listings and exports print runs of events of one day.
let lastDay = Number.NaN
let lastDate = ''

/** A time as `yyyy-MM-ddTHH:mm:ss.SSS` in the given offset from UTC, followed by `Z` or `±HH:MM`. */
export function formatTime(ms: number, offsetMinutes: number): string {
  const local = ms + offsetMinutes * 60_000
  const day = Math.floor(local / DAY_MS)
  if (day !== lastDay) {
    lastDate = formatDate(day * DAY_MS)
    lastDay = day
  }
  const rest = local - day * DAY_MS
  const minutes = Math.floor(rest / 60_000)
  const seconds = Math.floor(rest / 1000) % 60
  const millis = rest % 1000
  const fraction = millis < 10 ? `00${millis}` : millis < 100 ? `0${millis}` : millis
  return `${lastDate}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds)}.${fraction}${formatOffset(offsetMinutes)}`
}

function formatDate(start: number): string {
  const date = new Date(start)
  const year = date.getUTCFullYear()
  const digits = String(Math.abs(year)).padStart(4, '0')
  return `${year < 0 ? '-' : ''}${digits}-${pad2(date.getUTCMonth() + 1)}-${pad2(date.getUTCDate())}`
}

function formatOffset(minutes: number): string {
  if (minutes === 0) return 'Z'
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

const text = JSON.stringify

/** An event as JSON text in PredictionIO's order of fields; optional fields that are absent are left out. */
export function formatEvent(event: Event): string {
  const target =
    event.targetEntityType === null
      ? ''
      : `,"targetEntityType":${text(event.targetEntityType)},"targetEntityId":${text(event.targetEntityId)}`
  const prId = event.prId === null ? '' : `,"prId":${text(event.prId)}`
  return `{"eventId":${text(event.eventId)},"event":${text(event.event)},"entityType":${text(event.entityType)},"entityId":${text(event.entityId)}${target},"properties":${event.properties},"eventTime":"${formatTime(event.eventTime, event.eventTimeOffset)}"${prId},"creationTime":"${formatTime(event.creationTime, 0)}"}`
}
