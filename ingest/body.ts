// Bodies: JSON and nothing else, parsed by our own parser, whose result the route judges.
import type { FastifyInstance } from 'fastify'
import { parseJson } from '#schemas/lenient-json'
import { JSON_TYPE } from './reply.ts'

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

/** For routes without a use for a body: whatever is sent is read and thrown away. */
export function ignoreBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })
}
