// The two ways to ask a server whether it is well. Both answer false for every failure: the caller asks again.
import { connect } from 'node:net'

const ANSWER_MS = 2000

/** Sends bytes to a port of this machine and judges the first answer. */
export function exchange(
  port: number,
  request: Uint8Array,
  accept: (reply: Buffer) => boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (healthy: boolean): void => {
      socket.destroy()
      resolve(healthy)
    }
    socket.setTimeout(ANSWER_MS, () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('connect', () => socket.write(request))
    socket.on('data', (reply) => end(accept(reply)))
  })
}

/** GETs a URL and judges the body of a 200. */
export async function httpGet(url: string, accept: (body: string) => boolean): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) })
    return response.status === 200 && accept(await response.text())
  } catch {
    return false
  }
}
