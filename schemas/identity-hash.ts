// Identities and appends as hashes, where their ids must not or need not be kept. Both are part of formats on disk: they never
// change.
import { createHash } from 'node:crypto'
import { fnv1a32 } from './hashes.ts'

/** Hash of an identity inside its app and channel: 16 bytes. */
export function identityHash(entityType: string, entityId: string, eventId: string): Buffer {
  return createHash('md5')
    .update(`${entityType.length}:${entityType}${entityId.length}:${entityId}${eventId}`)
    .digest()
}

/** What is remembered of an append id: 16 hex digits. */
export function appendName(appendId: string): string {
  return appendHashes(appendId)
    .map((half) => half.toString(16).padStart(8, '0'))
    .join('')
}

/** The two halves of `appendName`. */
export function appendHashes(appendId: string): [high: number, low: number] {
  const high = fnv1a32(appendId)
  return [high, fnv1a32(`${high}\u0001${appendId}`)]
}
