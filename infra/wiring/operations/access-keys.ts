// Access keys. A key we make has 64 characters of base64url and never begins with `-`.
import { randomBytes } from 'node:crypto'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'
import { optionalText, text, texts } from './arguments.ts'
import { appNamed, change } from './change.ts'

interface NewKey {
  readonly text: string
  readonly hash: string
  readonly sealed: string | null
}

/** A key for a new app or a new row; `wanted` is the text its owner chose. @throws MillraceError ACCESS_KEY_EXISTS */
export function newAccessKey({ directory }: Platform, wanted: string | null): NewKey {
  const key = wanted ?? randomKey()
  if (key === '')
    throw new MillraceError('PARAMETER_INVALID', { name: 'access key', reason: 'it is empty' })
  if (directory.accessKey(key) !== undefined) throw new MillraceError('ACCESS_KEY_EXISTS')
  return { text: key, ...directory.sealKey(key) }
}

function randomKey(): string {
  for (;;) {
    const key = randomBytes(48).toString('base64url')
    if (!key.startsWith('-')) return key
  }
}

/** The keys of an app (of all apps: null) with the text where it is kept. */
export function shownKeys(directory: Directory, appId: number | null): JsonObject[] {
  return [...directory.state.keys.values()]
    .filter((key) => appId === null || key.appId === appId)
    .map((key) => ({
      key: directory.keyText(key) ?? `(hash ${key.hash.slice(0, 16)})`,
      appId: key.appId,
      events: [...key.events].sort(),
    }))
}

export async function accessKeyNew(platform: Platform, args: JsonObject): Promise<Json> {
  const { directory } = platform
  const app = appNamed(directory.state, text(args, 'app'))
  const events = texts(args, 'events')
  const key = newAccessKey(platform, optionalText(args, 'key'))
  await change(directory, () => ({
    expects: { [`key:${key.hash}`]: 0 },
    changes: [
      { type: 'key-created', key: { hash: key.hash, sealed: key.sealed, appId: app.id, events } },
    ],
  }))
  return { key: key.text, appId: app.id, events }
}

export async function accessKeyList({ directory }: Platform, args: JsonObject): Promise<Json> {
  const name = optionalText(args, 'app')
  return shownKeys(directory, name === null ? null : appNamed(directory.state, name).id)
}

/** Also succeeds for a key that never existed, as in PredictionIO. */
export async function accessKeyDelete({ directory }: Platform, args: JsonObject): Promise<Json> {
  const key = directory.accessKey(text(args, 'key'))
  if (key === undefined) return { deleted: false }
  await change(directory, (state) => ({
    expects: { [`key:${key.hash}`]: state.keys.get(key.hash)?.revision ?? 0 },
    changes: [{ type: 'key-deleted', hash: key.hash }],
  }))
  return { deleted: true }
}
