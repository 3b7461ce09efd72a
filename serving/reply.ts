// What a reply of the query server looks like. Bodies are texts made here; fastify serialises nothing.
import type { FastifyReply } from 'fastify'
import type { MillraceError } from '#ports/errors'

const JSON_TYPE = 'application/json'

/** Fastify would add a charset to the content type of a text. */
const asIs = (body: unknown): string => body as string

export function sendJson(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', JSON_TYPE).serializer(asIs).send(body)
}

/** `{"code":…,"message":…,"hint":…}`, with the code also in `millrace-error`. */
export function sendError(
  reply: FastifyReply,
  error: MillraceError,
  retryAfterSeconds: number,
): FastifyReply {
  if (error.status === 503) void reply.header('retry-after', retryAfterSeconds)
  void reply.header('millrace-error', error.code)
  return sendJson(reply, error.status, JSON.stringify(error))
}

/** Texts as a header's value: names that clients chose must not break out of it. */
export function headerText(texts: readonly string[]): string {
  const text = texts.join(', ').replace(/[^\x20-\x7e]/g, '?')
  return text.length > HEADER_CHARACTERS_MAX ? `${text.slice(0, HEADER_CHARACTERS_MAX)}...` : text
}

const HEADER_CHARACTERS_MAX = 1_000
