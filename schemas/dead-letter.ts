// What the dead-letter log holds. A record that was refused for good, with its reason and the bytes it was refused as, so
// that it can be looked at, mended and sent again; and, behind it, a mark for each time it was sent again. A letter itself
// never changes and never goes. JSON, because it is read by people and seldom.

export interface DeadLetter {
  /** When it was refused, milliseconds. */
  readonly time: number
  /** Code of the error catalogue: RECORD_UNREADABLE, EVENT_ID_REUSED, … */
  readonly reason: string
  readonly message: string
  /** Sink that refused it, or `inbox`. */
  readonly sink: string
  /** Only when it stands in another topic than the event log: an inbox. */
  readonly topic?: string
  readonly generation: number
  readonly partition: number
  readonly offset: number
  /** The record as it stands there (in the log in a Confluent frame), base64. */
  readonly value: string
}

/** A letter was sent again, as the event with this id, which stands at this place of the event log. */
export interface ResentMark {
  readonly kind: 'resent'
  readonly time: number
  /** Offset of the letter in the dead-letter log. */
  readonly letter: number
  /** Reason of the letter, so that counting needs no second look at it. */
  readonly reason: string
  /** The letter had been sent again before. */
  readonly again: boolean
  /** The event was given anew, not taken from the letter. */
  readonly mended: boolean
  readonly eventId: string
  readonly generation: number
  readonly partition: number
  readonly offset: number
}

export function encodeDeadLetter(letter: DeadLetter | ResentMark): Buffer {
  return Buffer.from(JSON.stringify(letter), 'utf8')
}

/** null for bytes that are no dead letter of ours, and for marks. */
export function decodeDeadLetter(bytes: Uint8Array): DeadLetter | null {
  const entry = decodeDeadLetterEntry(bytes)
  return entry === null || isResentMark(entry) ? null : entry
}

/** A letter or a mark; null for bytes that are neither. */
export function decodeDeadLetterEntry(bytes: Uint8Array): DeadLetter | ResentMark | null {
  let entry: Partial<DeadLetter & ResentMark> | null
  try {
    entry = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<DeadLetter & ResentMark>
  } catch {
    return null
  }
  if (entry === null || typeof entry.reason !== 'string') return null
  const known = entry.kind === 'resent' ? typeof entry.letter : typeof entry.value
  return known === (entry.kind === 'resent' ? 'number' : 'string')
    ? (entry as DeadLetter | ResentMark)
    : null
}

export function isResentMark(entry: DeadLetter | ResentMark): entry is ResentMark {
  return 'kind' in entry && entry.kind === 'resent'
}
