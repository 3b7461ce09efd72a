import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Position } from '#schemas/position'
import { ignoreBody } from '../body.ts'
import { grantOf, type IngestContext, JSON_FILE, nameOf, requestContext } from '../context.ts'
import { deletionDraft } from '../record.ts'
import { sendAcknowledged, sendError, sendLimited, sendNothingFound } from '../reply.ts'

/** The bytes that PredictionIO's clients compare. */
const FOUND = '{"message":"Found"}'

/** `DELETE /events/<id>.json`: ends every live event with this id, of whatever entity. */
export function registerDeleteEvent(app: FastifyInstance, context: IngestContext): void {
  const { admission, barrier, limits, store, writer } = context

  async function remove(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { app: tenant, channel, key } = grantOf(request)
    const limited = admission(key, 1)
    if (limited !== null) return sendLimited(reply, limited)
    await barrier.passed(null)
    const events = await store.getAll(tenant, channel, nameOf(request))
    if (events.length === 0) return sendNothingFound(reply)
    const its = requestContext(context, request)
    const results = await writer.write(events.map((event) => deletionDraft(event, its)))
    const positions: Position[] = []
    for (const result of results) {
      if (!result.ok) return sendError(reply, result.error, limits.retryAfterSeconds)
      positions.push(result.position)
    }
    // The deletion is durable and every later read waits for it, so a store that is behind changes nothing here.
    await barrier.applied(positions)
    return sendAcknowledged(reply, 200, FOUND, positions)
  }

  void app.register((scope, _options, done) => {
    ignoreBody(scope)
    scope.delete(`/events/${JSON_FILE}`, { onRequest: context.guard }, remove)
    done()
  })
}
