import type { FastifyInstance } from 'fastify'
import { grantOf, type IngestContext } from '../context.ts'
import { sendJson, sendRefusal } from '../reply.ts'

const HOW = 'To see stats, launch Event Server with --stats argument.'

/** `GET /stats.json`: counts of the app's events; of a server without them PredictionIO's own text. */
export function registerStats(app: FastifyInstance, { guard, stats }: IngestContext): void {
  app.get('/stats.json', { onRequest: guard }, (request, reply) => {
    if (stats === null) sendRefusal(reply, 404, 'NOT_FOUND', HOW)
    else sendJson(reply, 200, stats.report(grantOf(request).app))
  })
}
