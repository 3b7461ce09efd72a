import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MillraceError } from '#ports/errors'
import { formatEvent } from '#schemas/event-format'
import { formatPositions } from '#schemas/position'
import type { HarnessFace } from '../../harness-face.ts'
import type { ServingLimits } from '../../limits.ts'
import { sendComment, sendCommentError, sendJson } from '../../reply.ts'
import type { QueryHandler } from '../queries.ts'
import { valueIn } from './body.ts'
import type { HarnessGuard, Named } from './guard.ts'

export interface HarnessUsersOptions {
  readonly face: HarnessFace
  readonly query: QueryHandler
  readonly limits: ServingLimits
}

/** Events of a user in one answer: as asked, up to this. */
const EVENTS_MAX = 10_000
const EVENTS_DEFAULT = 100

/** `/engines/<id>/events`, `/queries` and `/entities/<user>`: what users did, what comes next, and what is known of one. */
export function registerHarnessUsers(
  app: FastifyInstance,
  guard: HarnessGuard,
  { face, limits, query }: HarnessUsersOptions,
): void {
  const input = guard.about('client', async ({ engine, key, request, reply }) => {
    const taken = await face.input(engine, key, valueIn(request))
    switch (taken.outcome) {
      case 'accepted':
        void reply.header('millrace-position', formatPositions([taken.position]))
        return sendComment(reply, 201, 'UR input processed')
      case 'invalid':
        void reply.header('millrace-error', taken.code)
        return sendComment(reply, 400, taken.message)
      case 'failed': {
        const { error, eventId } = taken
        return sendCommentError(reply, error, limits.retryAfterSeconds, { eventId })
      }
    }
  })
  app.post('/engines/:engine/events', input)
  app.put('/engines/:engine/events', input)

  app.post('/engines/:engine/queries', (request, reply) => {
    const { engine } = (request as Named).params
    const id = guard.engineNamed(engine)?.id ?? engine
    return query(request, reply, id, sendCommentError)
  })

  app.get(
    '/engines/:engine/entities/:user',
    guard.about('admin', async ({ engine, request, reply }) => {
      const from = wholeNumber(request, 'from', 0)
      const num = wholeNumber(request, 'num', EVENTS_DEFAULT)
      const events = await face.events(engine, request.params.user ?? '', from, num)
      return sendJson(reply, 200, `[${events.map(formatEvent).join(',')}]`)
    }),
  )

  app.delete(
    '/engines/:engine/entities/:user',
    guard.about('admin', async ({ engine, name, request, reply }) => {
      const user = request.params.user ?? ''
      const count = await face.erase(engine, user)
      const comment = `Delete data for user ${user} in engine ${name}: ${count} events`
      return sendComment(reply, 200, comment)
    }),
  )
}

/** @throws MillraceError PARAMETER_INVALID */
function wholeNumber(request: FastifyRequest, name: string, fallback: number): number {
  const value = (request.query as Readonly<Record<string, unknown>>)[name]
  if (value === undefined) return fallback
  const number = Number(value)
  if (/^\d{1,5}$/.test(String(value)) && number <= EVENTS_MAX) return number
  const reason = `it is not a whole number from 0 to ${EVENTS_MAX}`
  throw new MillraceError('PARAMETER_INVALID', { name, reason })
}
