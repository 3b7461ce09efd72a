// Who may query: anybody on this machine, elsewhere who has a key of the engine's app. The key comes from `accessKey` in
// the address, else as the user of Basic authentication.
import type { FastifyRequest } from 'fastify'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { DirectoryState } from '#schemas/directory'

/**
 * The app whose engines a request may ask; null = any.
 * @throws MillraceError ACCESS_KEY_MISSING, ACCESS_KEY_INVALID
 */
export type QueryAccess = (request: FastifyRequest) => number | null

/** Good keys whose apps are remembered; beyond that all are looked up anew. */
const REMEMBERED_MAX = 10_000

/** @param open queries need no key from anywhere (`serving.open`, PredictionIO's way) */
export function createQueryAccess(directory: Directory, open: boolean): QueryAccess {
  let state: DirectoryState = directory.state
  const apps = new Map<string, number>()

  function appOf(key: string): number {
    if (directory.state !== state || apps.size >= REMEMBERED_MAX) {
      state = directory.state
      apps.clear()
    }
    const known = apps.get(key)
    if (known !== undefined) return known
    const found = key === '' ? undefined : directory.accessKey(key)
    if (found === undefined) throw new MillraceError('ACCESS_KEY_INVALID')
    apps.set(key, found.appId)
    return found.appId
  }

  return (request) => {
    const { headers, socket, url } = request.raw
    if (open) return null
    if (isLoopback(socket.remoteAddress) && !cameThroughProxy(headers)) return null
    const query = url?.indexOf('?') ?? -1
    const key = query < 0 ? null : new URLSearchParams(url?.slice(query)).get('accessKey')
    if (key !== null) return appOf(key)
    if (headers.authorization === undefined) throw new MillraceError('ACCESS_KEY_MISSING')
    return appOf(basicUser(headers.authorization))
  }
}

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

/** A proxy on this machine passes on what others ask: that is not "on this machine". */
function cameThroughProxy(headers: Readonly<Record<string, unknown>>): boolean {
  return headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
}

/** The user of a Basic header, which is the text up to the first colon; empty for any other header. */
function basicUser(authorization: string): string {
  const match = /^basic +(\S+)$/i.exec(authorization)
  if (match === null) return ''
  const text = Buffer.from(match[1] as string, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? text : text.slice(0, colon)
}
