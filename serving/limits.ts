// Every limit of the query server in one place; what a query may hold stands with its reader (QUERY_LIMITS).

export interface ServingLimits {
  /** Bytes of a query; more: 400 BODY_TOO_LARGE. */
  readonly bodyBytesMax: number
  /** Characters of an id in an address, percent-encoded: 1,024 bytes fit; more: 404 NOT_FOUND. */
  readonly idCharactersMax: number
  /** Queries being answered at once; one more: 503 QUERY_OVERLOADED. */
  readonly inFlightMax: number
  /** Time for what a query waits for (positions, history); what is not there by then is left out and named. */
  readonly budgetMs: number
  /** Time to receive a whole request; then 408. */
  readonly requestTimeoutMs: number
  /** Silence after which a connection is closed. */
  readonly idleTimeoutMs: number
  /** What Retry-After says with a 503. */
  readonly retryAfterSeconds: number
}

export const SERVING_LIMITS: ServingLimits = {
  bodyBytesMax: 1024 * 1024,
  idCharactersMax: 3_072,
  inFlightMax: 1_000,
  budgetMs: 200,
  requestTimeoutMs: 20_000,
  idleTimeoutMs: 60_000,
  retryAfterSeconds: 1,
}
