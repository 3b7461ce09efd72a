// Bodies of events as clients send them, and what the rules make of them.
import assert from 'node:assert/strict'
import { type DraftEvent, type EventReading, readEvent } from '#schemas/event-rules'
import { parseJson } from '#schemas/lenient-json'

export const NOW = 1_700_000_000_000
export const TARGET = '"targetEntityType":"item","targetEntityId":"i"'

/** A body as text: the smallest good event with some members in place of others. */
export function body(members: string): string {
  const own = [...members.matchAll(/"(event|entityType|entityId)":/g)].map((match) => match[1])
  const rest = Object.entries({ event: 'view', entityType: 'user', entityId: 'u1' })
    .filter(([name]) => !own.includes(name))
    .map(([name, value]) => `"${name}":"${value}"`)
  return `{${[...rest, members].filter(Boolean).join(',')}}`
}

export function readBody(text: string): EventReading {
  const parsed = parseJson(text)
  assert.ok(parsed.ok, 'the body is JSON')
  return readEvent(parsed.value, NOW)
}

export function acceptedBody(text: string): DraftEvent {
  const reading = readBody(text)
  assert.ok(reading.ok, reading.ok ? '' : reading.message)
  return reading.event
}
