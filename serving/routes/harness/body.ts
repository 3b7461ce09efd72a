// Bodies of Harness' calls, as the server's parser read them.
import type { FastifyRequest } from 'fastify'
import { MillraceError } from '#ports/errors'
import type { JsonObject } from '#schemas/json'
import type { JsonReading } from '#schemas/lenient-json'

/** The body's JSON, with numbers that keep their digits. @throws MillraceError BODY_INVALID */
export function valueIn(request: FastifyRequest): unknown {
  const reading = request.body as JsonReading | undefined
  if (reading?.ok && reading.value !== undefined) return reading.value
  const reason =
    reading === undefined || reading.ok ? 'The body holds no whole JSON value.' : reading.message
  throw new MillraceError('BODY_INVALID', { reason })
}

/** The body's JSON with plain numbers; an array in it is left to who reads the object. @throws MillraceError BODY_INVALID */
export function objectIn(request: FastifyRequest): JsonObject {
  return JSON.parse(JSON.stringify(valueIn(request))) as JsonObject
}
