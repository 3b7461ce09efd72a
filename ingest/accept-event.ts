// One event on its way into the log: admission, rules, the key's event names, record, append. Who calls words the outcome.
import { MillraceError } from '#ports/errors'
import type { RuleCode } from '#schemas/event-rule-texts'
import { readEvent } from '#schemas/event-rules'
import type { Position } from '#schemas/position'
import type { Intake } from './intake.ts'
import { eventDraft, type RequestContext } from './record.ts'

export type Acceptance =
  | { readonly outcome: 'accepted'; readonly eventId: string; readonly position: Position }
  /** The event breaks a rule. */
  | { readonly outcome: 'invalid'; readonly code: RuleCode; readonly message: string }
  /** ADMISSION_LIMITED: the key has sent too much. */
  | { readonly outcome: 'limited'; readonly error: MillraceError }
  /** EVENT_NOT_ALLOWED: the key may not send events of this name. */
  | { readonly outcome: 'forbidden'; readonly error: MillraceError }
  /** Not known to be in the log: to be sent again under this id. */
  | { readonly outcome: 'failed'; readonly error: MillraceError; readonly eventId: string }

/**
 * Checks an event, a body as `parseJson` gave it, and appends it; it is durable when this resolves with `accepted`. Rules
 * come before the key's event names, as in PredictionIO.
 * @throws MillraceError OVERLOADED
 */
export async function acceptEvent(
  { admission, stats, telemetry, writer }: Intake,
  its: RequestContext,
  body: unknown,
): Promise<Acceptance> {
  const refuse = (code: string): void =>
    telemetry.emit('millrace_events_refused_total', 1, { code })
  const { grant } = its
  const limited = admission(grant.key, 1)
  if (limited !== null) {
    refuse(limited.code)
    return { outcome: 'limited', error: limited }
  }
  const reading = readEvent(body, its.now)
  if (!reading.ok) {
    refuse(reading.code)
    return { outcome: 'invalid', code: reading.code, message: reading.message }
  }
  const { event } = reading.event
  if (grant.events !== null && !grant.events.has(event)) {
    const error = new MillraceError('EVENT_NOT_ALLOWED', { event })
    refuse(error.code)
    return { outcome: 'forbidden', error }
  }
  const draft = eventDraft(reading.event, 0, its)
  const { eventId } = draft
  const [result] = await writer.write([draft])
  stats?.count(grant.app, reading.event, result?.ok ? 201 : 503)
  if (result?.ok) {
    telemetry.emit('millrace_events_accepted_total', 1, grant.labels)
    return { outcome: 'accepted', eventId, position: result.position }
  }
  const error = result?.error ?? new MillraceError('INTERNAL', { reason: 'no result' })
  return { outcome: 'failed', error, eventId }
}
