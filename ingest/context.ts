// What the routes work with, and how they get at a request's parts.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { JsonReading } from '#schemas/lenient-json'
import type { Grant } from './access.ts'
import type { Intake } from './intake.ts'
import type { Parameters } from './parameters.ts'
import { type RequestContext, readIdempotencyKey } from './record.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard of a route that needs an access key. */
    ingestGrant: Grant | null
  }
}

/** Checks a request before its body is read; answers it itself when it may not go on. */
export type Guard = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void

export interface IngestContext extends Intake {
  /** For routes that need an access key. */
  readonly guard: Guard
  /** For routes that need none. */
  readonly open: Guard
}

export function parametersOf(request: FastifyRequest): Parameters {
  return request.query as Parameters
}

/** The body as the JSON parser read it; undefined when it was empty. */
export function bodyOf(request: FastifyRequest): JsonReading | undefined {
  return request.body as JsonReading | undefined
}

/** The grant of a guarded route. */
export function grantOf(request: FastifyRequest): Grant {
  if (request.ingestGrant === null) throw new Error('the route has no guard')
  return request.ingestGrant
}

/** @throws MillraceError ID_TOO_LONG for an Idempotency-Key beyond the limit */
export function requestContext(context: IngestContext, request: FastifyRequest): RequestContext {
  return {
    grant: grantOf(request),
    idempotencyKey: readIdempotencyKey(
      request.headers['idempotency-key'],
      context.limits.idempotencyKeyBytesMax,
    ),
    now: context.clock.now(),
    partitions: context.partitions,
    ids: context.ids,
  }
}

const SUFFIX = '.json'

/** `abc` of a path's last part `abc.json`, percent-decoded. */
export function nameOf(request: FastifyRequest): string {
  const { file } = request.params as { readonly file: string }
  return file.slice(0, file.lastIndexOf('.'))
}

/** A route's last part that ends with `.json`; anything else is not found. */
export const JSON_FILE = `:file(^[^]+\\${SUFFIX}$)`
