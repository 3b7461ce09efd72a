// Connections to HBase's servers, one each, made when they are first needed and anew after they ended.

import { lostConnection } from './errors.ts'
import { Connection, type Message, type RawConnection } from './library.ts'

export interface ServersOptions {
  readonly user: string
  readonly connectTimeoutMs: number
  readonly callTimeoutMs: number
}

export interface Servers {
  /** Calls a method of a region server (`host:port`). Rejects with what the library or the server says. */
  call(
    server: string,
    method: 'Get' | 'Mutate' | 'Scan' | 'Multi',
    request: object,
  ): Promise<Message>
  close(): void
}

export function createServers(options: ServersOptions): Servers {
  const connections = new Map<string, Promise<RawConnection>>()
  let closed = false
  const connectionTo = (server: string): Promise<RawConnection> => {
    const known = connections.get(server)
    if (known !== undefined) return known
    const connecting = connect(server, options, () => connections.delete(server))
    connections.set(server, connecting)
    return connecting
  }
  return {
    call: async (server, method, request) => {
      if (closed) throw lostConnection(server, 'the client is closed')
      const connection = await connectionTo(server)
      return new Promise((resolve, reject) => {
        const call = connection.rpc[method] as RawConnection['rpc'][string]
        call(request, (error, response) => {
          if (error || response === undefined) reject(error)
          else resolve(response)
        })
      })
    },
    close: () => {
      closed = true
      for (const connecting of connections.values()) {
        void connecting.then((connection) => connection._handleClose()).catch(() => {})
      }
      connections.clear()
    },
  }
}

function connect(
  server: string,
  { user, connectTimeoutMs, callTimeoutMs }: ServersOptions,
  onEnd: () => void,
): Promise<RawConnection> {
  const at = server.lastIndexOf(':')
  const connection = new Connection({
    host: server.slice(0, at),
    port: Number(server.slice(at + 1)),
    callTimeout: callTimeoutMs,
    tcpNoDelay: true,
    tcpKeepAlive: true,
    effectiveUser: user,
  })
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => connection._handleClose(), connectTimeoutMs)
    connection.once('connect', () => {
      clearTimeout(late)
      sendRequestsWhole(connection)
      resolve(connection)
    })
    connection.once('close', () => {
      clearTimeout(late)
      onEnd()
      reject(lostConnection(server, 'no connection could be made'))
    })
  })
}

/** The library writes a request in several pieces; they leave as one packet. */
function sendRequestsWhole({ socket, out }: RawConnection): void {
  const write = out.writeDelimitedBuffers.bind(out)
  out.writeDelimitedBuffers = (...buffers) => {
    socket.cork()
    try {
      return write(...buffers)
    } finally {
      process.nextTick(() => socket.uncork())
    }
  }
}
