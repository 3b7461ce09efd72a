// What is checked before a body is read, in this order: length of the URI, route, query, access key, Accept.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { MillraceError } from '#ports/errors'
import type { Access } from './access.ts'
import { type Guard, parametersOf } from './context.ts'
import type { IngestLimits } from './limits.ts'
import { sendError, sendNotFoundText, sendRefusal, sendTextError } from './reply.ts'

/** Paths and the methods each has, as PredictionIO lists them in Allow. */
const PATHS: readonly (readonly [RegExp, string])[] = [
  [/^\/$/, 'GET'],
  [/^\/events\.json$/, 'POST, GET'],
  [/^\/events\/[^/]+\.json$/, 'GET, DELETE'],
  [/^\/batch\/events\.json$/, 'POST'],
  [/^\/stats\.json$/, 'GET'],
  [/^\/webhooks\/[^/]+\.(?:json|form)$/, 'POST, GET'],
  [/^\/plugins\.json$/, 'GET'],
  [/^\/plugins\/.+$/, 'GET'],
]

/** For every request: 414, then 404 or 405 for what has no route. */
export function createRouteGuard(limits: IngestLimits): Guard {
  return (request, reply, done) => {
    const uri = request.raw.url as string
    if (uri.length > limits.uriCharactersMax) {
      const limit = uri.startsWith('/events/')
        ? limits.eventUriCharactersMax
        : limits.uriCharactersMax
      if (uri.length > limit) {
        void reply.header('connection', 'close')
        sendTextError(reply, new MillraceError('URI_TOO_LONG', { limit }))
        return
      }
    }
    if (request.is404) sendUnrouted(request, reply)
    else done()
  }
}

function sendUnrouted(request: FastifyRequest, reply: FastifyReply): void {
  const path = (request.raw.url as string).split('?', 1)[0] as string
  const methods = PATHS.find(([pattern]) => pattern.test(path))?.[1]
  if (methods === undefined) {
    sendNotFoundText(reply)
    return
  }
  void reply.header('allow', methods)
  sendTextError(reply, new MillraceError('METHOD_NOT_ALLOWED', { methods }))
}

/** For a route without an access key. */
export const openGuard: Guard = (request, reply, done) => {
  if (acceptsJson(request.headers.accept)) done()
  else sendTextError(reply, new MillraceError('NOT_ACCEPTABLE'))
}

/** For a route with an access key; it leaves the grant on the request. `next` checks what is left. */
export function createKeyGuard(
  access: Access,
  limits: IngestLimits,
  next: Guard = openGuard,
): Guard {
  return (request, reply, done) => {
    const parameters = parametersOf(request)
    if (parameters.malformed) {
      const message = 'Illegal query: a percent sign is not followed by the code of a character'
      sendRefusal(reply, 400, 'PARAMETER_INVALID', message)
      return
    }
    const grant = access(parameters, request.headers.authorization)
    if (grant instanceof MillraceError) {
      sendError(reply, grant, limits.retryAfterSeconds)
      return
    }
    request.ingestGrant = grant
    next(request, reply, done)
  }
}

function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || accept === '*/*') return true
  return accept
    .split(',')
    .some((range) => /^\s*(?:\*\/\*|application\/(?:\*|json))\s*(?:;|$)/i.test(range))
}
