import { JsonNumber, javaDouble } from './lenient-json.ts'

/** Length of a described value, in characters: it is part of an error message. */
const DESCRIPTION_MAX = 2000
const DEPTH_MAX = 50

/**
 * A value as PredictionIO's JSON library prints it in error messages: `JObject(List((a,JInt(1))))`. Cut off after 2,000
 * characters. `undefined` stands for a text without a value: `JNothing`.
 */
export function describeJson(value: unknown): string {
  const parts: string[] = []
  describe(value, parts, { left: DESCRIPTION_MAX }, 0)
  const text = parts.join('')
  return text.length > DESCRIPTION_MAX ? `${text.slice(0, DESCRIPTION_MAX)}…` : text
}

/** Name of the class of that library which stands for the value. */
export function json4sClass(value: unknown): string {
  const name = describeJson(value).split('(')[0] as string
  return `org.json4s.JsonAST$${name}${name === 'JNull' || name === 'JNothing' ? '$' : ''}`
}

/** A number as Java's text of it: integers without a fraction, doubles with one. */
export function numberText(value: number | JsonNumber): string {
  if (typeof value !== 'number') return value.text
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value)
  return javaDouble(value)
}

function scalarText(value: unknown): string | null {
  if (value === undefined) return 'JNothing'
  if (value === null) return 'JNull'
  if (typeof value === 'string') return `JString(${value.slice(0, DESCRIPTION_MAX)})`
  if (typeof value === 'boolean') return `JBool(${value})`
  if (typeof value !== 'number' && !(value instanceof JsonNumber)) return null
  const isDouble = typeof value === 'number' ? !Number.isInteger(value) : value.isDouble
  return `${isDouble ? 'JDouble' : 'JInt'}(${numberText(value)})`
}

function describe(value: unknown, parts: string[], room: { left: number }, depth: number): void {
  const put = (part: string): void => {
    parts.push(part)
    room.left -= part.length
  }
  const scalar = depth > DEPTH_MAX ? '…' : scalarText(value)
  if (scalar !== null) {
    put(scalar)
    return
  }
  const isArray = Array.isArray(value)
  put(isArray ? 'JArray(List(' : 'JObject(List(')
  const object = value as Readonly<Record<string, unknown>>
  let first = true
  for (const key in object) {
    if (room.left < 0) break
    put(`${first ? '' : ', '}${isArray ? '' : `(${key},`}`)
    first = false
    describe(object[key], parts, room, depth + 1)
    if (!isArray) put(')')
  }
  put('))')
}
