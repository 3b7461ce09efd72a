// Whether somebody listens where Spark should be.
import { connect } from 'node:net'
import { sparkConfig } from './config.ts'

const CONNECT_MS = 2000

/** Why the server cannot be reached, or null. @throws MillraceError CONFIG_INVALID */
export function whyUnreachable(url: string): Promise<string | null> {
  const { address } = sparkConfig(url)
  const at = address.lastIndexOf(':')
  const host = address.slice(0, at).replace(/^\[|\]$/g, '')
  return new Promise((resolve) => {
    const socket = connect(Number(address.slice(at + 1)), host)
    const end = (reason: string | null): void => {
      socket.destroy()
      resolve(reason)
    }
    socket.setTimeout(CONNECT_MS, () => end(`no answer within ${CONNECT_MS / 1000} s`))
    socket.on('connect', () => end(null))
    socket.on('error', (error) => end(error.message))
  })
}
