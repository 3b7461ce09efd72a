// What the dead-letter log holds: a record that was refused for good, with its reason and the bytes it was refused as, so
// that it can be looked at, mended and sent again. JSON, because it is read by people and seldom.

export interface DeadLetter {
  /** When it was refused, milliseconds. */
  readonly time: number
  /** Code of the error catalogue: RECORD_UNREADABLE, EVENT_ID_REUSED, … */
  readonly reason: string
  readonly message: string
  /** Sink that refused it. */
  readonly sink: string
  readonly generation: number
  readonly partition: number
  readonly offset: number
  /** The record as it stands in the log (Confluent frame), base64. */
  readonly value: string
}

export function encodeDeadLetter(letter: DeadLetter): Buffer {
  return Buffer.from(JSON.stringify(letter), 'utf8')
}

/** null for bytes that are no dead letter of ours. */
export function decodeDeadLetter(bytes: Uint8Array): DeadLetter | null {
  try {
    const letter = JSON.parse(Buffer.from(bytes).toString('utf8')) as DeadLetter
    return typeof letter.reason === 'string' && typeof letter.value === 'string' ? letter : null
  } catch {
    return null
  }
}
