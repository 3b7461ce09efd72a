// The services whose calls are understood, by the last part of their address.
import type { JsonReading } from '#schemas/lenient-json'
import { FORM_TYPE } from '../body.ts'
import type { Parameters } from '../parameters.ts'
import { JSON_TYPE } from '../reply.ts'
import type { Connected } from './connector.ts'
import { mailchimpEvent } from './mailchimp.ts'
import { segmentEvent } from './segmentio.ts'

export interface Connector {
  /** Content-Type of its calls. */
  readonly type: string
  /** @param body as the parser of this type left it */
  event(body: unknown): Connected
}

export const CONNECTORS: ReadonlyMap<string, Connector> = new Map([
  [
    'segmentio.json',
    {
      type: JSON_TYPE,
      event(body) {
        const reading = body as JsonReading
        return reading.ok ? segmentEvent(reading.value) : reading
      },
    },
  ],
  [
    'mailchimp.form',
    {
      type: FORM_TYPE,
      event(body) {
        const { malformed, values } = body as Parameters
        if (!malformed) return mailchimpEvent(values)
        const message = 'The form is malformed: a percent sign without the code of a character.'
        return { ok: false, message }
      },
    },
  ],
] as [string, Connector][])
