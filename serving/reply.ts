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

/** `{"comment":…}`, Harness' body of whatever is not an answer; members of `more` follow the comment. */
export function sendComment(
  reply: FastifyReply,
  status: number,
  comment: string,
  more: Readonly<Record<string, string>> = {},
): FastifyReply {
  return sendJson(reply, status, JSON.stringify({ comment, ...more }))
}

/** An error of ours in Harness' form; with a limit of events it says itself when to come again. */
export function sendCommentError(
  reply: FastifyReply,
  error: MillraceError,
  retryAfterSeconds: number,
  more: Readonly<Record<string, string>> = {},
): FastifyReply {
  const { code, details, hint, message, status } = error
  if (status === 503 || status === 429) {
    void reply.header('retry-after', Number(details.retryAfter ?? retryAfterSeconds))
  }
  void reply.header('millrace-error', code)
  return sendComment(reply, status, `${message} ${hint}`, more)
}

/** Texts as a header's value: names that clients chose must not break out of it. */
export function headerText(texts: readonly string[]): string {
  const text = texts.join(', ').replace(/[^\x20-\x7e]/g, '?')
  return text.length > HEADER_CHARACTERS_MAX ? `${text.slice(0, HEADER_CHARACTERS_MAX)}...` : text
}

const HEADER_CHARACTERS_MAX = 1_000
