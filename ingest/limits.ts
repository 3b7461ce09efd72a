// Every limit of the event server in one place; what happens at each stands beside it and is tested by exact count.

export interface IngestLimits {
  /** Events that an access key may send in a second, 0 for no limit; more: 429 ADMISSION_LIMITED, see `admission.ts`. */
  readonly eventsPerSecond: number
  /** Bytes of a request's body; more: 400 BODY_TOO_LARGE. */
  readonly bodyBytesMax: number
  /** Events of one batch; more: 400 BATCH_TOO_LARGE, before any of them is looked at. */
  readonly batchEventsMax: number
  /** Characters of a request's target; more: 414 URI_TOO_LONG. */
  readonly uriCharactersMax: number
  /** The same for `/events/<id>.json`: an id of 1,024 bytes, each percent-encoded, has to fit. */
  readonly eventUriCharactersMax: number
  /** Bytes of an Idempotency-Key; more: 400 ID_TOO_LONG. */
  readonly idempotencyKeyBytesMax: number
  /** Records, and bytes of them, that wait for the log at most; a request beyond: 503 OVERLOADED. */
  readonly waitingRecordsMax: number
  readonly waitingBytesMax: number
  /** Reads that wait for the store at most; one more: 503 OVERLOADED. */
  readonly waitingReadsMax: number
  /** An append without an answer for so long: 503 LOG_UNAVAILABLE; the record may still get into the log. */
  readonly appendTimeoutMs: number
  /** A read whose store is behind for so long: 503 READ_TIMEOUT. */
  readonly readTimeoutMs: number
  /** Time to receive a whole request; then 408. */
  readonly requestTimeoutMs: number
  /** Silence after which a connection is closed. */
  readonly idleTimeoutMs: number
  /** Events of a listing that names no limit. */
  readonly listEventsDefault: number
  /** Characters of a listing held before it goes out; a longer listing is streamed. */
  readonly pageCharacters: number
  /** What Retry-After says with a 503. */
  readonly retryAfterSeconds: number
}

export const INGEST_LIMITS: IngestLimits = {
  eventsPerSecond: 0,
  bodyBytesMax: 8 * 1024 * 1024,
  batchEventsMax: 50,
  uriCharactersMax: 2048,
  eventUriCharactersMax: 4096,
  idempotencyKeyBytesMax: 1024,
  waitingRecordsMax: 100_000,
  waitingBytesMax: 64 * 1024 * 1024,
  waitingReadsMax: 10_000,
  appendTimeoutMs: 20_000,
  readTimeoutMs: 5_000,
  requestTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
  listEventsDefault: 20,
  pageCharacters: 64 * 1024,
  retryAfterSeconds: 1,
}
