// Connections to HBase's servers, one each, made when they are first needed and anew after they ended.

import { lostConnection } from './errors.ts'
import { Connection, callEncoded, type Message, type RawConnection } from './library.ts'

const MULTI = { method: 'Multi', response: 'MultiResponse' }

export interface ServersOptions {
  readonly user: string
  readonly connectTimeoutMs: number
  readonly callTimeoutMs: number
}

export interface Servers {
  /** Calls a method of a region server (`host:port`). Rejects with what the library or the server says. */
  call(server: string, method: 'Scan', request: object): Promise<Message>
  /** The same of a `Multi`, with the bytes of its request. */
  multi(server: string, request: Buffer): Promise<Message>
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
  const ask = async (
    server: string,
    send: (connection: RawConnection, done: Parameters<typeof callEncoded>[3]) => void,
  ): Promise<Message> => {
    if (closed) throw lostConnection(server, 'the client is closed')
    const connection = await connectionTo(server)
    return new Promise((resolve, reject) => {
      send(connection, (error, response) => {
        if (error || response === undefined) reject(error)
        else resolve(response)
      })
    })
  }
  return {
    call: (server, method, request) => ask(server, ({ rpc }, done) => rpc[method]?.(request, done)),
    multi: (server, request) =>
      ask(server, (connection, done) => callEncoded(connection, MULTI, request, done)),
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
