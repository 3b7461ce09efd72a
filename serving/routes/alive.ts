// GET /: the server answers, so its role is ready.
import type { FastifyInstance } from 'fastify'
import { sendJson } from '../reply.ts'

export function registerAlive(app: FastifyInstance): void {
  app.get('/', (_request, reply) => sendJson(reply, 200, '{"status":"alive"}'))
}
