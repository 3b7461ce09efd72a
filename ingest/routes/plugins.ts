import type { FastifyInstance } from 'fastify'
import type { IngestContext } from '../context.ts'
import { sendJson, sendNothingFound } from '../reply.ts'

/** `GET /plugins.json`: PredictionIO's plug-ins are classes of the JVM, so there are none, and none is found. */
export function registerPlugins(app: FastifyInstance, { guard, open }: IngestContext): void {
  app.get('/plugins.json', { onRequest: open }, (_request, reply) => {
    sendJson(reply, 200, '{"plugins":{"inputblockers":{},"inputsniffers":{}}}')
  })
  app.get('/plugins/*', { onRequest: guard }, (_request, reply) => {
    sendNothingFound(reply)
  })
}
