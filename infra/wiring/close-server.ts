// Ends a server in bounded time. Node closes the connections that are idle when a server is closed, but not those that become
// idle after that: a client that keeps one open would hold the process up for as long as it may be idle.
import type { FastifyInstance } from 'fastify'
import type { Clock } from '#ports/clock'

const SWEEP_MS = 100
/** Requests under way for so long are cut off. */
export const REQUESTS_END_MS = 10_000

/** Stops listening, lets the requests under way end, closes their connections. */
export async function closeServer(app: FastifyInstance, clock: Clock): Promise<void> {
  const closed = new AbortController()
  const sweep = async (): Promise<void> => {
    const last = clock.monotonic() + REQUESTS_END_MS
    while (!closed.signal.aborted) {
      if (clock.monotonic() < last) app.server.closeIdleConnections()
      else app.server.closeAllConnections()
      await clock.sleep(SWEEP_MS, closed.signal)
    }
  }
  const sweeping = sweep()
  try {
    await app.close()
  } finally {
    closed.abort()
    await sweeping
  }
}
