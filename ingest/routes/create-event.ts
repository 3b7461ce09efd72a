import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Acceptance, acceptEvent } from '../accept-event.ts'
import { bodyOf, type IngestContext, requestContext } from '../context.ts'
import { sendAcknowledged, sendEmptyBody, sendError, sendLimited, sendRefusal } from '../reply.ts'

/** `POST /events.json`: one event. */
export function registerCreateEvent(app: FastifyInstance, context: IngestContext): void {
  async function create(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const body = bodyOf(request)
    if (body === undefined) return sendEmptyBody(reply)
    if (!body.ok) return sendRefusal(reply, 400, 'BODY_INVALID', body.message)
    const accepted = await acceptEvent(context, requestContext(context, request), body.value)
    return sendAcceptance(reply, accepted, context.limits.retryAfterSeconds)
  }

  app.post('/events.json', { onRequest: context.guard }, create)
}

/** What became of one event, in PredictionIO's words. */
export function sendAcceptance(
  reply: FastifyReply,
  accepted: Acceptance,
  retryAfterSeconds: number,
): FastifyReply {
  switch (accepted.outcome) {
    case 'accepted': {
      const body = `{"eventId":${JSON.stringify(accepted.eventId)}}`
      return sendAcknowledged(reply, 201, body, [accepted.position])
    }
    case 'invalid':
      return sendRefusal(reply, 400, accepted.code, accepted.message)
    case 'limited':
      return sendLimited(reply, accepted.error)
    case 'forbidden':
      return sendError(reply, accepted.error, retryAfterSeconds)
    case 'failed': {
      const { error, eventId } = accepted
      return sendError(reply, error, retryAfterSeconds, { eventId })
    }
  }
}
