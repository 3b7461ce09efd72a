// Bodies: JSON, and forms for webhooks, parsed by our own parsers, whose result the route judges.
import type { FastifyInstance } from 'fastify'
import { parseJson } from '#schemas/lenient-json'
import { parseParameters } from './parameters.ts'
import { JSON_TYPE } from './reply.ts'

export const FORM_TYPE = 'application/x-www-form-urlencoded'

/**
 * Replaces fastify's parsers. A body becomes what `parseJson` reads, an empty one undefined. `__proto__` and
 * `constructor` are keys like any other there, and nothing of ours merges a body into an object.
 */
export function registerBodyParser(app: FastifyInstance, bodyBytesMax: number): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    JSON_TYPE,
    { parseAs: 'buffer', bodyLimit: bodyBytesMax },
    (_request, body, done) => {
      done(null, body.length === 0 ? undefined : parseJson(body.toString('utf8')))
    },
  )
}

/** Adds forms to what is read: such a body becomes what `parseParameters` reads. */
export function registerFormParser(app: FastifyInstance, bodyBytesMax: number): void {
  app.addContentTypeParser(
    FORM_TYPE,
    { parseAs: 'buffer', bodyLimit: bodyBytesMax },
    (_request, body, done) => {
      done(null, parseParameters(body.toString('utf8')))
    },
  )
}

/** For routes without a use for a body: whatever is sent is read and thrown away. */
export function ignoreBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}
