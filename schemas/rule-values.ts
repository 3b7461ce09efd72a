// How an item's property is compared: with the values of a field rule, and with the bounds of a date rule. Every item
// index compares alike, so this is written once.
import type { Json } from './json.ts'

/**
 * The texts by which field rules find a property, each once: a string is its own text, a number or boolean its JSON text;
 * an array stands for its members. Objects, null and arrays in arrays have no text.
 */
export function ruleTexts(value: Json): readonly string[] {
  if (!Array.isArray(value)) {
    const text = textOf(value)
    return text === null ? [] : [text]
  }
  const texts = new Set<string>()
  for (const member of value) {
    const text = textOf(member)
    if (text !== null) texts.add(text)
  }
  return [...texts]
}

function textOf(value: Json): string | null {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}

const DATE =
  /^([+-]\d{6}|\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/**
 * Milliseconds since 1970 of a property used as a date: an ISO 8601 string (without an offset: UTC), or a number, which
 * is milliseconds already. NaN for everything else, arrays too: such an item has no date.
 */
export function dateOf(value: Json): number {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return Number.NaN
  const match = DATE.exec(value)
  if (match === null) return Number.NaN
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    match
  const millis = fraction.slice(0, 3).padEnd(3, '0')
  const date = `${year}-${month}-${day}`
  // A day that is not in the calendar rolls over in Date.parse; then the text of the result differs.
  const midnight = Date.parse(`${date}T00:00:00.000Z`)
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date))
    return Number.NaN
  return Date.parse(`${date}T${hour}:${minute}:${second}.${millis}${offsetText(zone)}`)
}

function offsetText(zone: string): string {
  if (zone === 'Z') return zone
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`
}
