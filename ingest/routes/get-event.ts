import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { formatEvent } from '#schemas/event-format'
import { grantOf, type IngestContext, JSON_FILE, nameOf } from '../context.ts'
import { sendJson, sendNothingFound } from '../reply.ts'

/** `GET /events/<id>.json`: the live event with this id that was created first. */
export function registerGetEvent(app: FastifyInstance, context: IngestContext): void {
  async function get(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { app: tenant, channel } = grantOf(request)
    await context.barrier.passed(null)
    const event = await context.store.get(tenant, channel, nameOf(request))
    return event === null ? sendNothingFound(reply) : sendJson(reply, 200, formatEvent(event))
  }
  app.get(`/events/${JSON_FILE}`, { onRequest: context.guard }, get)
}
