// Who may query: anybody on this machine, elsewhere who has a key of the engine's app. The key comes from `accessKey` in
// the address, else as the user of Basic authentication.
import type { FastifyRequest } from 'fastify'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { AccessKey, DirectoryState } from '#schemas/directory'

/**
 * The app whose engines a request may ask; null = any.
 * @throws MillraceError ACCESS_KEY_MISSING, ACCESS_KEY_INVALID
 */
export type QueryAccess = (request: FastifyRequest) => number | null

/** Good keys whose apps are remembered; beyond that all are looked up anew. */
const REMEMBERED_MAX = 10_000

/** @param open queries need no key from anywhere (`serving.open`, PredictionIO's way) */
export function createQueryAccess(directory: Directory, open: boolean): QueryAccess {
  const keyOf = createKeyAccess(directory, open)
  return (request) => keyOf(request)?.appId ?? null
}

/**
 * The key of a request, or null where none is needed.
 * @throws MillraceError ACCESS_KEY_MISSING, ACCESS_KEY_INVALID
 */
export type KeyAccess = (request: FastifyRequest, trustsLoopback?: boolean) => AccessKey | null

/** @param open nobody needs a key */
export function createKeyAccess(directory: Directory, open: boolean): KeyAccess {
  let state: DirectoryState = directory.state
  const keys = new Map<string, AccessKey>()

  function found(key: string): AccessKey {
    if (directory.state !== state || keys.size >= REMEMBERED_MAX) {
      state = directory.state
      keys.clear()
    }
    const known = keys.get(key) ?? (key === '' ? undefined : directory.accessKey(key))
    if (known === undefined) throw new MillraceError('ACCESS_KEY_INVALID')
    keys.set(key, known)
    return known
  }

  return (request, trustsLoopback = true) => {
    const { headers, socket, url } = request.raw
    if (open) return null
    const local = isLoopback(socket.remoteAddress) && !cameThroughProxy(headers)
    if (local && trustsLoopback) return null
    const query = url?.indexOf('?') ?? -1
    const key = query < 0 ? null : new URLSearchParams(url?.slice(query)).get('accessKey')
    if (key !== null) return found(key)
    if (headers.authorization === undefined) throw new MillraceError('ACCESS_KEY_MISSING')
    return found(basicUser(headers.authorization))
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
