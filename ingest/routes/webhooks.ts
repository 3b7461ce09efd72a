import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MillraceError } from '#ports/errors'
import { acceptEvent } from '../accept-event.ts'
import { registerFormParser } from '../body.ts'
import { type IngestContext, nameOf, requestContext } from '../context.ts'
import { sendEmptyBody, sendJson, sendRefusal, sendTextError } from '../reply.ts'
import { CONNECTORS, type Connector } from '../webhooks/connectors.ts'
import { sendAcceptance } from './create-event.ts'

/**
 * `POST /webhooks/<name>.json` and `.form`: another service's call becomes an event by the connector of that name, and is
 * taken as if a client had sent it. `GET` tells whether there is such a connector.
 */
export function registerWebhooks(app: FastifyInstance, context: IngestContext): void {
  const { guard: onRequest, limits, telemetry } = context

  async function post(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const connector = connectorOf(request)
    if (connector === undefined) return sendUnknown(request, reply)
    const { type: expected } = connector
    if (request.body === undefined) return sendEmptyBody(reply)
    if (!request.headers['content-type']?.toLowerCase().startsWith(expected)) {
      return sendTextError(reply, new MillraceError('CONTENT_TYPE_UNSUPPORTED', { expected }))
    }
    const connected = connector.event(request.body)
    if (!connected.ok) {
      telemetry.emit('millrace_events_refused_total', 1, { code: 'BODY_INVALID' })
      return sendRefusal(reply, 400, 'BODY_INVALID', connected.message)
    }
    const accepted = await acceptEvent(context, requestContext(context, request), connected.event)
    return sendAcceptance(reply, accepted, limits.retryAfterSeconds)
  }

  void app.register((scope, _options, done) => {
    registerFormParser(scope, limits.bodyBytesMax)
    const path = '/webhooks/:file(^[^]+\\.(?:json|form)$)'
    scope.get(path, { onRequest }, (request, reply) => {
      if (connectorOf(request) === undefined) sendUnknown(request, reply)
      else sendJson(reply, 200, '{"message":"Ok"}')
    })
    scope.post(path, { onRequest }, post)
    done()
  })
}

function connectorOf(request: FastifyRequest): Connector | undefined {
  return CONNECTORS.get((request.params as { readonly file: string }).file)
}

function sendUnknown(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const message = `webhooks connection for ${nameOf(request)} is not supported.`
  return sendRefusal(reply, 404, 'NOT_FOUND', message)
}
