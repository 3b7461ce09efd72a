// What a reply looks like: PredictionIO's body, with the code of a refusal in the header `millrace-error` and the place of
// what was acknowledged in `millrace-position`. Bodies are texts made here; fastify serialises nothing.

import type { FastifyReply } from 'fastify'
import type { ErrorCode, MillraceError } from '#ports/errors'
import type { RuleCode } from '#schemas/event-rule-texts'
import { formatPositions, type Position } from '#schemas/position'

export const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain; charset=UTF-8'

/** Fastify would add a charset to the content type of a text; PredictionIO sends none. */
const asIs = (body: unknown): string => body as string

export function sendJson(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('content-type', JSON_TYPE).serializer(asIs).send(body)
}

/** An acknowledgement: `positions` are those of what it acknowledges. */
export function sendAcknowledged(
  reply: FastifyReply,
  status: number,
  body: string,
  positions: readonly Position[],
): FastifyReply {
  if (positions.length > 0) {
    void reply.header('millrace-position', formatPositions(highestOf(positions)))
  }
  return sendJson(reply, status, body)
}

/** The highest position of each partition: who waits for it waits for all. */
function highestOf(positions: readonly Position[]): readonly Position[] {
  if (positions.length === 1) return positions
  const highest = new Map<number, Position>()
  for (const position of positions) {
    const known = highest.get(position.partition)
    if (known === undefined || position.offset > known.offset) {
      highest.set(position.partition, position)
    }
  }
  return [...highest.values()]
}

/** `{"message":…}` with a code; members of `more` follow the message. */
export function sendRefusal(
  reply: FastifyReply,
  status: number,
  code: ErrorCode | RuleCode,
  message: string,
  more: Readonly<Record<string, string>> = {},
): FastifyReply {
  void reply.header('millrace-error', code)
  return sendJson(reply, status, JSON.stringify({ message, ...more }))
}

/** An error of ours in PredictionIO's form. @param more further members of the body */
export function sendError(
  reply: FastifyReply,
  error: MillraceError,
  retryAfterSeconds: number,
  more: Readonly<Record<string, string>> = {},
): FastifyReply {
  if (error.status === 503) void reply.header('retry-after', retryAfterSeconds)
  return sendRefusal(reply, error.status, error.code, error.message, more)
}

/** A request refused for the number of events of its access key; says when to come again. */
export function sendLimited(reply: FastifyReply, error: MillraceError): FastifyReply {
  void reply.header('retry-after', Number(error.details.retryAfter))
  return sendRefusal(reply, error.status, error.code, error.message)
}

/** A refusal that PredictionIO's framework, not PredictionIO, answers: a plain text. */
export function sendText(
  reply: FastifyReply,
  status: number,
  code: ErrorCode,
  text: string,
): FastifyReply {
  return reply
    .code(status)
    .header('content-type', TEXT_TYPE)
    .header('millrace-error', code)
    .send(text)
}

/** An error whose text and status are the framework's reply. */
export function sendTextError(reply: FastifyReply, error: MillraceError): FastifyReply {
  return sendText(reply, error.status, error.code, error.message)
}

export function sendNotFoundText(reply: FastifyReply): FastifyReply {
  return sendText(reply, 404, 'NOT_FOUND', 'The requested resource could not be found.')
}

/** `{"message":"Not Found"}`: there is no such event, or none that matches. */
export function sendNothingFound(reply: FastifyReply): FastifyReply {
  return sendRefusal(reply, 404, 'NOT_FOUND', 'Not Found')
}

export function sendEmptyBody(reply: FastifyReply): FastifyReply {
  return sendText(reply, 400, 'BODY_INVALID', 'Request entity expected but not supplied')
}
