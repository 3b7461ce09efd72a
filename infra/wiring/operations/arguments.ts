// Reads arguments of operations; a wrong one is a fault of the caller's and says which.
import { MillraceError } from '#ports/errors'
import type { JsonObject } from '#schemas/json'

export function text(args: JsonObject, name: string): string {
  const value = args[name]
  if (typeof value === 'string') return value
  throw new MillraceError('PARAMETER_INVALID', { name, reason: 'some text is needed' })
}

export function optionalText(args: JsonObject, name: string): string | null {
  return args[name] === undefined || args[name] === null ? null : text(args, name)
}

export function optionalInteger(args: JsonObject, name: string): number | null {
  const value = args[name]
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new MillraceError('PARAMETER_INVALID', { name, reason: 'a whole number is needed' })
}

export function texts(args: JsonObject, name: string): string[] {
  const value = args[name] ?? []
  if (Array.isArray(value) && value.every((v) => typeof v === 'string')) return value
  throw new MillraceError('PARAMETER_INVALID', { name, reason: 'a list of texts is needed' })
}

export function flag(args: JsonObject, name: string): boolean {
  return args[name] === true
}
