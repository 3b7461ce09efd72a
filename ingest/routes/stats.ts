import type { FastifyInstance } from 'fastify'
import type { IngestContext } from '../context.ts'
import { sendRefusal } from '../reply.ts'

const HOW = 'To see stats, launch Event Server with --stats argument.'

/** `GET /stats.json` of a server without statistics. */
export function registerStats(app: FastifyInstance, { guard }: IngestContext): void {
  app.get('/stats.json', { onRequest: guard }, (_request, reply) => {
    sendRefusal(reply, 404, 'NOT_FOUND', HOW)
  })
}
