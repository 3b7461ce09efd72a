import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ignoreBody } from '../body.ts'
import { type IngestContext, nameOf } from '../context.ts'
import { sendRefusal } from '../reply.ts'

/** `GET` and `POST /webhooks/<name>.json` and `.form`: no connector is known, so each name is refused. */
export function registerWebhooks(app: FastifyInstance, { guard }: IngestContext): void {
  const refuse = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    sendRefusal(
      reply,
      404,
      'NOT_FOUND',
      `webhooks connection for ${nameOf(request)} is not supported.`,
    )
  void app.register((scope, _options, done) => {
    ignoreBody(scope)
    scope.route({
      method: ['GET', 'POST'],
      url: '/webhooks/:file(^[^]+\\.(?:json|form)$)',
      onRequest: guard,
      handler: refuse,
    })
    done()
  })
}
