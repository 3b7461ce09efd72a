// How many requests a server is answering at this moment.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** Counts from now on; a request whose client goes away is over too. Returns the way to ask. */
export function countInFlight(server: Server): () => number {
  let count = 0
  server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    count++
    response.once('close', () => count--)
  })
  return () => count
}
