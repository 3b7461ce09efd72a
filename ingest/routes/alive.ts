import type { FastifyInstance } from 'fastify'
import type { IngestContext } from '../context.ts'
import { sendJson } from '../reply.ts'

/** `GET /`: the server answers. */
export function registerAlive(app: FastifyInstance, { open }: IngestContext): void {
  app.get('/', { onRequest: open }, (_request, reply) => {
    sendJson(reply, 200, '{"status":"alive"}')
  })
}
