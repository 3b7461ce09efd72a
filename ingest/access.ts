// Who may do what: an access key opens one app, `channel` names a part of it, and a key may be limited to some event
// names. The key comes from the query, else from Basic authentication, as in PredictionIO; unlike there, `channel` counts
// in both cases.
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { DirectoryState } from '#schemas/directory'
import { DEFAULT_CHANNEL } from '#schemas/event'
import type { Parameters } from './parameters.ts'

/** What a request may touch. */
export interface Grant {
  /** Hash of the access key: names it without being it. */
  readonly key: string
  readonly app: number
  readonly channel: number
  /** Event names the key may send; null = all. */
  readonly events: ReadonlySet<string> | null
  /** Labels of this app's metrics, made once. */
  readonly labels: { readonly app: string }
}

/**
 * The grant of a request, or why there is none: ACCESS_KEY_MISSING, ACCESS_KEY_INVALID or CHANNEL_INVALID.
 * `authorization` is the header's text.
 */
export type Access = (
  parameters: Parameters,
  authorization: string | undefined,
) => Grant | MillraceError

/** Good keys whose grants are remembered; beyond that all are looked up anew. */
const REMEMBERED_MAX = 10_000

/**
 * Access through the directory. The grants of good keys are remembered until the directory changes, so that a request
 * does not hash its key.
 */
export function createAccess(directory: Directory): Access {
  let state: DirectoryState = directory.state
  const grants = new Map<string, Grant>()

  function grantOf(key: string): Grant | null {
    if (directory.state !== state || grants.size >= REMEMBERED_MAX) {
      state = directory.state
      grants.clear()
    }
    const known = grants.get(key)
    if (known !== undefined) return known
    const found = key === '' ? undefined : directory.accessKey(key)
    if (found === undefined) return null
    const grant: Grant = {
      key: found.hash,
      app: found.appId,
      channel: DEFAULT_CHANNEL,
      events: found.events.length === 0 ? null : new Set(found.events),
      labels: { app: String(found.appId) },
    }
    grants.set(key, grant)
    return grant
  }

  return (parameters, authorization) => {
    let key = parameters.values.get('accessKey')
    if (key === undefined) {
      if (authorization === undefined) return new MillraceError('ACCESS_KEY_MISSING')
      key = basicUser(authorization)
    }
    const grant = grantOf(key)
    if (grant === null) return new MillraceError('ACCESS_KEY_INVALID')
    const name = parameters.values.get('channel')
    if (name === undefined) return grant
    const channel = channelNumber(directory.state, grant.app, name)
    if (channel === null) return new MillraceError('CHANNEL_INVALID', { channel: name })
    return { ...grant, channel }
  }
}

/** The user of a Basic header, which is the text up to the first colon; empty for any other header. */
function basicUser(authorization: string): string {
  const match = /^basic +(\S+)$/i.exec(authorization)
  if (match === null) return ''
  const text = Buffer.from(match[1] as string, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? text : text.slice(0, colon)
}

function channelNumber(state: DirectoryState, app: number, name: string): number | null {
  for (const channel of state.channels.values()) {
    if (channel.appId === app && channel.name === name) return channel.id
  }
  return null
}
