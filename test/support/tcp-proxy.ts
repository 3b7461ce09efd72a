// A way to a server that a test can close: connections are passed on, refused, or taken and never answered.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type ProxyMode = 'pass' | 'refuse' | 'silent'

export interface TcpProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** From now on, for open connections too. */
  set(mode: ProxyMode): void
  close(): Promise<void>
}

/** @param target URL of the server behind it */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let mode: ProxyMode = 'pass'
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // Whoever is behind the connection sees that it ended.
    socket.on('error', () => socket.destroy())
  }
  const server = createServer((socket) => {
    keep(socket)
    if (mode === 'refuse') socket.destroy()
    if (mode !== 'pass') return
    const behind = connect(Number(port), hostname)
    keep(behind)
    behind.on('data', (data) => {
      if (mode === 'pass') socket.write(data)
    })
    socket.on('data', (data) => {
      if (mode === 'pass') behind.write(data)
    })
    socket.on('close', () => behind.destroy())
    behind.on('close', () => socket.destroy())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      mode = next
      // What a silent time has swallowed cannot be made good.
      if (next !== 'silent') for (const socket of sockets) socket.destroy()
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((closed) => server.close(closed))
    },
  }
}
