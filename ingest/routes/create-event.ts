import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MillraceError } from '#ports/errors'
import { readEvent } from '#schemas/event-rules'
import { bodyOf, type IngestContext, requestContext } from '../context.ts'
import { eventDraft } from '../record.ts'
import { sendAcknowledged, sendEmptyBody, sendError, sendLimited, sendRefusal } from '../reply.ts'

/** `POST /events.json`: one event. Rules before the key's event names, as in PredictionIO. */
export function registerCreateEvent(app: FastifyInstance, context: IngestContext): void {
  const { admission, limits, telemetry, writer } = context

  async function create(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const body = bodyOf(request)
    if (body === undefined) return sendEmptyBody(reply)
    if (!body.ok) return sendRefusal(reply, 400, 'BODY_INVALID', body.message)
    const its = requestContext(context, request)
    const limited = admission(its.grant.key, 1)
    if (limited !== null) {
      telemetry.emit('millrace_events_refused_total', 1, { code: limited.code })
      return sendLimited(reply, limited)
    }
    const reading = readEvent(body.value, its.now)
    if (!reading.ok) {
      telemetry.emit('millrace_events_refused_total', 1, { code: reading.code })
      return sendRefusal(reply, 400, reading.code, reading.message)
    }
    const { event } = reading.event
    if (its.grant.events !== null && !its.grant.events.has(event)) {
      telemetry.emit('millrace_events_refused_total', 1, { code: 'EVENT_NOT_ALLOWED' })
      const refusal = new MillraceError('EVENT_NOT_ALLOWED', { event })
      return sendError(reply, refusal, limits.retryAfterSeconds)
    }
    const draft = eventDraft(reading.event, 0, its)
    const eventId = JSON.stringify(draft.eventId)
    const [result] = await writer.write([draft])
    if (result?.ok) {
      telemetry.emit('millrace_events_accepted_total', 1, its.grant.labels)
      return sendAcknowledged(reply, 201, `{"eventId":${eventId}}`, [result.position])
    }
    const error = result?.error ?? new MillraceError('INTERNAL', { reason: 'no result' })
    return sendError(reply, error, limits.retryAfterSeconds, { eventId: draft.eventId })
  }

  app.post('/events.json', { onRequest: context.guard }, create)
}
