import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorCode, MillraceError } from '#ports/errors'
import { type DraftEvent, readEvent } from '#schemas/event-rules'
import { describeJson } from '#schemas/json4s-text'
import type { Position } from '#schemas/position'
import { bodyOf, type IngestContext, requestContext } from '../context.ts'
import { type Draft, eventDraft, type RequestContext } from '../record.ts'
import { sendAcknowledged, sendEmptyBody, sendError, sendLimited, sendRefusal } from '../reply.ts'
import type { WriteResult } from '../writer.ts'

/** The reply's elements, in the order of the request; null for those that the log has to decide. */
interface Decided {
  readonly items: (string | null)[]
  readonly drafts: Draft[]
  /** The event of each draft. */
  readonly events: DraftEvent[]
}

/**
 * `POST /batch/events.json`: an array of events, each judged by itself. The reply has one element for each, in order:
 * 201 with its id, 400 or 403 with a message, 503 with a message and the id to send it again with.
 */
export function registerCreateBatch(app: FastifyInstance, context: IngestContext): void {
  const { admission, limits, stats, telemetry, writer } = context

  function decide(elements: readonly unknown[], its: RequestContext): Decided {
    const items: (string | null)[] = []
    const drafts: Draft[] = []
    const events: DraftEvent[] = []
    for (const [place, element] of elements.entries()) {
      const reading = readEvent(element, its.now, 'batch')
      if (!reading.ok) {
        telemetry.emit('millrace_events_refused_total', 1, { code: reading.code })
        items.push(refused(400, reading.message))
      } else if (its.grant.events !== null && !its.grant.events.has(reading.event.event)) {
        const { event } = reading.event
        telemetry.emit('millrace_events_refused_total', 1, { code: 'EVENT_NOT_ALLOWED' })
        items.push(refused(403, new MillraceError('EVENT_NOT_ALLOWED', { event }).message))
      } else {
        items.push(null)
        drafts.push(eventDraft(reading.event, place, its))
        events.push(reading.event)
      }
    }
    return { items, drafts, events }
  }

  async function createBatch(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const body = bodyOf(request)
    if (body === undefined) return sendEmptyBody(reply)
    if (!body.ok) return sendRefusal(reply, 400, 'BODY_INVALID', body.message)
    if (!Array.isArray(body.value)) {
      const message = `Can't convert ${describeJson(body.value)} to interface scala.collection.Seq`
      return sendRefusal(reply, 400, 'BODY_INVALID', message)
    }
    if (body.value.length > limits.batchEventsMax) {
      const refusal = new MillraceError('BATCH_TOO_LARGE', { limit: limits.batchEventsMax })
      return sendError(reply, refusal, limits.retryAfterSeconds)
    }
    const its = requestContext(context, request)
    const limited = admission(its.grant.key, body.value.length)
    if (limited !== null) {
      telemetry.emit('millrace_events_refused_total', body.value.length, { code: limited.code })
      return sendLimited(reply, limited)
    }
    const { items, drafts, events } = decide(body.value, its)
    const results = await writer.write(drafts)
    for (const [place, event] of events.entries()) {
      stats?.count(its.grant.app, event, results[place]?.ok ? 201 : 503)
    }
    const { positions, failure } = settle(items, drafts, results)
    if (positions.length > 0) {
      telemetry.emit('millrace_events_accepted_total', positions.length, its.grant.labels)
    }
    if (failure !== null) {
      void reply.header('millrace-error', failure).header('retry-after', limits.retryAfterSeconds)
    }
    return sendAcknowledged(reply, 200, `[${items.join(',')}]`, positions)
  }

  app.post('/batch/events.json', { onRequest: context.guard }, createBatch)
}

/** Fills in what the log decided: the positions of what it took, and the code of the first failure. */
function settle(
  items: (string | null)[],
  drafts: readonly Draft[],
  results: readonly WriteResult[],
): { readonly positions: readonly Position[]; readonly failure: ErrorCode | null } {
  const positions: Position[] = []
  let failure: ErrorCode | null = null
  let next = 0
  for (const [place, item] of items.entries()) {
    if (item !== null) continue
    const { eventId } = drafts[next] as Draft
    const result = results[next++] as WriteResult
    if (result.ok) {
      positions.push(result.position)
      items[place] = `{"status":201,"eventId":${JSON.stringify(eventId)}}`
    } else {
      failure ??= result.error.code
      const { message } = result.error
      items[place] = JSON.stringify({ status: 503, message, eventId })
    }
  }
  return { positions, failure }
}

function refused(status: number, message: string): string {
  return `{"status":${status},"message":${JSON.stringify(message)}}`
}
