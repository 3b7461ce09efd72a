// Segment's calls as events. PredictionIO's connector, with its texts, and with the spelling that Segment really sends
// (`userId`) beside the one that the connector was written for (`user_id`). What becomes of an event:
//
//   event = type, entity = user (user_id, else anonymous_id), eventTime = timestamp,
//   properties = context and the parts of the type, under the old spelling whichever was sent
import { describeJson, numberText } from '#schemas/json4s-text'
import { JsonNumber } from '#schemas/lenient-json'
import { type Connected, ConnectorFault, connected } from './connector.ts'

type Call = Readonly<Record<string, unknown>>
type Kind = 'text' | 'object'

interface Part {
  readonly name: string
  readonly kind: Kind
  readonly required?: true
}

const text = (name: string): Part => ({ name, kind: 'text' })
const needed = (name: string): Part => ({ name, kind: 'text', required: true })
const object = (name: string): Part => ({ name, kind: 'object' })

/** The parts of each type that become properties, in their order. */
const TYPES: ReadonlyMap<string, readonly Part[]> = new Map([
  ['identify', [object('traits')]],
  ['track', [object('properties'), needed('event')]],
  ['alias', [needed('previous_id')]],
  ['page', [text('name'), object('properties')]],
  ['screen', [text('name'), object('properties')]],
  ['group', [needed('group_id'), object('traits')]],
])
/** Types that are about a user who is known; for the others an anonymous id will do. */
const OF_KNOWN_USERS = ['identify', 'alias']

const COMMON = ['type', 'sent_at', 'timestamp', 'version'].map(needed)

/** @param body as `parseJson` read it: an object, or anything else that is refused */
export function segmentEvent(body: unknown): Connected {
  return connected(() => {
    if (body === undefined) throw new ConnectorFault(notFound('org.json4s.JsonAST$JObject'))
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new ConnectorFault(notConverted(body, 'org.json4s.JsonAST$JObject'))
    }
    return eventOf(body as Call)
  })
}

function eventOf(call: Call): Call {
  if (memberOf(call, 'version') === null) {
    throw new ConnectorFault('Failed to get segment.io API version.')
  }
  const within = (start: string, read: () => void): void => {
    try {
      read()
    } catch (error) {
      if (!(error instanceof ConnectorFault)) throw error
      throw new ConnectorFault(`${start} ${error.message}`)
    }
  }
  const common = `Cannot extract Common field from ${describeJson(call)}.`
  within(common, () => {
    for (const part of COMMON) partOf(call, part)
  })
  const type = partOf(call, needed('type')) as string
  const parts = TYPES.get(type)
  if (parts === undefined) {
    throw new ConnectorFault(`Cannot convert unknown type ${type} to event JSON.`)
  }
  const properties: Record<string, unknown> = {}
  within(`Cannot convert ${describeJson(call)} to event JSON.`, () => {
    if (OF_KNOWN_USERS.includes(type)) partOf(call, needed('user_id'))
    for (const part of [object('context'), ...parts]) {
      const value = partOf(call, part)
      if (value !== null) properties[part.name] = value
    }
  })
  const entityId = partOf(call, text('user_id')) ?? partOf(call, text('anonymous_id'))
  if (entityId === null) {
    throw new ConnectorFault('there was no `userId` or `anonymousId` in the common fields.')
  }
  const eventTime = partOf(call, needed('timestamp'))
  return { event: type, entityType: 'user', entityId, eventTime, properties }
}

/** The part under the name it has, or under Segment's own spelling of it; null when there is none. */
function memberOf(call: Call, name: string): unknown {
  const spelt = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  return call[name] ?? call[spelt] ?? null
}

/** @throws ConnectorFault */
function partOf(call: Call, { name, kind, required }: Part): unknown {
  const value = memberOf(call, name)
  const type = kind === 'text' ? 'java.lang.String' : 'org.json4s.JsonAST$JObject'
  if (value === null) {
    if (required) throw new ConnectorFault(`No usable value for ${name}\n${notFound(type)}`)
    return null
  }
  if (kind === 'object') {
    if (typeof value === 'object' && !Array.isArray(value) && !(value instanceof JsonNumber)) {
      return value
    }
  } else if (typeof value === 'string') return value
  else if (typeof value === 'number' || value instanceof JsonNumber) return numberText(value)
  throw new ConnectorFault(`No usable value for ${name}\n${notConverted(value, type)}`)
}

const notFound = (type: string): string => `Did not find value which can be converted into ${type}`
const notConverted = (value: unknown, type: string): string =>
  `Do not know how to convert ${describeJson(value)} into class ${type}`
