// Calls in the name of one session: who asks stands in each of them, and what fails by chance is tried again.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { IdSource } from '#schemas/ids'
import type { Asking, FetchErrorDetailsResponse, SparkConnect } from './client.ts'
import { isPassing, RpcFailure, sparkError } from './errors.ts'

export interface Caller {
  readonly client: SparkConnect
  readonly clock: Clock
  /** `host:port`, for messages. */
  readonly address: string
  /** The session's id, a UUID. */
  readonly session: string
  /** Aborts when the session is closed here. */
  readonly closed: AbortSignal
  /** What every request begins with. */
  asking(): Asking
  /** Remembers the server's own id of the session, by which it notices that it was started anew. */
  heard(answer: { readonly serverSideSessionId: string }): void
  /** Makes a short call; again for a few seconds when the server is away. @throws MillraceError */
  ask<T>(call: (asking: Asking, deadlineMs: number) => Promise<T>): Promise<T>
  /** What Spark says of a failure, in full. */
  explain(error: unknown): Promise<MillraceError>
  uuid(): string
  /** Ends what runs and frees what the session holds on the server: views, cached tables, models. */
  close(): Promise<void>
}

const USER = 'millrace'
/** A short call at most. The server may be busy with its garbage, and the first one makes the session. */
const CALL_MS = 30_000
const RELEASE_MS = 5000
const RETRY_FOR_MS = 5000
const PAUSE_FIRST_MS = 50

export function createCaller(
  client: SparkConnect,
  deps: {
    readonly address: string
    readonly clock: Clock
    readonly ids: IdSource
    readonly session: string | undefined
  },
): Caller {
  const { address, clock, ids } = deps
  const uuid = (): string => dashed(ids(clock.now()))
  const session = deps.session ?? uuid()
  let serverSession: string | null = null
  const asking = (): Asking => ({
    sessionId: session,
    userContext: { userId: USER, userName: USER },
    clientType: USER,
    ...(serverSession === null ? {} : { clientObservedServerSideSessionId: serverSession }),
  })
  const explain = async (error: unknown): Promise<MillraceError> => {
    if (!(error instanceof RpcFailure) || error.errorId === '') return sparkError(error, address)
    let details: FetchErrorDetailsResponse | null = null
    try {
      const request = { ...asking(), errorId: error.errorId }
      details = await client.fetchErrorDetails(request, CALL_MS)
    } catch {
      // The short form, which came with the failure, has to do.
    }
    return sparkError(error, address, details)
  }
  const ask: Caller['ask'] = async (call) => {
    const until = clock.monotonic() + RETRY_FOR_MS
    for (let pause = PAUSE_FIRST_MS; ; pause *= 2) {
      try {
        return await call(asking(), CALL_MS)
      } catch (error) {
        if (!isPassing(error) || clock.monotonic() + pause > until) throw await explain(error)
        await clock.sleep(pause)
      }
    }
  }
  const closing = new AbortController()
  const close = async (): Promise<void> => {
    closing.abort(new MillraceError('SPARK_LOST', { reason: 'it was closed here' }))
    try {
      await client.releaseSession(asking(), RELEASE_MS)
    } catch {
      // A server that is away has lost the session, or frees it when it has not been used for an hour.
    } finally {
      client.close()
    }
  }
  let closed: Promise<void> | null = null
  return {
    ...{ client, clock, address, session, asking, uuid, explain, ask },
    closed: closing.signal,
    heard: ({ serverSideSessionId }) => {
      if (serverSideSessionId !== '') serverSession ??= serverSideSessionId
    },
    close: () => {
      closed ??= close()
      return closed
    },
  }
}

const dashed = (id: string): string =>
  [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join('-')
