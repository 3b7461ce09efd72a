// Keys of the event store. All begin with the number of the tenant (app and channel), big-endian like everything in them,
// so that the order of the bytes is the order that is meant.
//
//   row       eventTime (7 bytes) · generation (1) · offset (5) · partition (2)     where an event stands
//   events    tenant · row                                  → body            order of eventTime, then position
//   pages     tenant · entity hash (8) · event name (4)     → newest rows with their targets
//             tenant · entity hash (8) · event name (4) · inverted row → older rows, down from this one
//   idPages   tenant · id (16)                              → ids from this one on, ascending, with their rows
//   ids       tenant · any id                               → rows
//   ended     tenant · hash of the identity (16)            → appends accepted so far
//   states    tenant · entity type (4) · entity id          → state
//   targets   tenant · event name (4) · target type (4) · target id
import { createHash } from 'node:crypto'
import { fnv1a32 } from '#schemas/hashes'
import type { Placed } from '#schemas/record'

export const TENANT_BYTES = 4
export const ROW_BYTES = 15
/** Tenant, entity hash and event name. */
export const LIST_BYTES = 16
const WORD = 2 ** 32
/** A key holds at most 1,978 bytes; longer texts are hashed. */
const TEXT_BYTES_MAX = 1500
const LONG_TEXT = 0xff

export const GENERATION_MAX = 0xff
export const OFFSET_MAX = 2 ** 40 - 1
export const PARTITION_MAX = 0xffff

type Place = Pick<Placed, 'generation' | 'partition' | 'offset'>

/** Writes the row at `at`; works for all times a Date can hold. */
export function writeRow(target: Buffer, at: number, eventTime: number, place: Place): void {
  const high = Math.floor(eventTime / WORD)
  const biased = high + 0x800000
  target[at] = biased >>> 16
  target[at + 1] = biased >>> 8
  target[at + 2] = biased
  writeWord(target, at + 3, eventTime - high * WORD)
  target[at + 7] = place.generation
  target[at + 8] = Math.floor(place.offset / WORD)
  writeWord(target, at + 9, place.offset % WORD)
  target[at + 13] = place.partition >>> 8
  target[at + 14] = place.partition
}

/** The first row a time can have. */
export function writeTime(target: Buffer, at: number, eventTime: number): void {
  writeRow(target, at, eventTime, { generation: 0, partition: 0, offset: 0 })
}

function writeWord(target: Buffer, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

export function rowTime(row: Buffer, at: number): number {
  const high = (((row[at] as number) << 16) | row.readUInt16BE(at + 1)) - 0x800000
  return high * WORD + row.readUInt32BE(at + 3)
}

export function rowPlace(row: Buffer, at: number): Place {
  return {
    generation: row[at + 7] as number,
    offset: (row[at + 8] as number) * WORD + row.readUInt32BE(at + 9),
    partition: row.readUInt16BE(at + 13),
  }
}

export function compareRows(a: Buffer, aAt: number, b: Buffer, bAt: number): number {
  for (let i = 0; i < ROW_BYTES; i++) {
    const difference = (a[aAt + i] as number) - (b[bAt + i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** The two halves of `entityHash` of the schemas, as numbers. */
export function entityHashes(entityType: string, entityId: string): [high: number, low: number] {
  const high = fnv1a32(`${entityType}\u0000${entityId}`)
  return [high, fnv1a32(`${entityId}\u0001${entityType}\u0001${high}`)]
}

export function tenantKey(tenant: number): Buffer {
  const key = Buffer.alloc(TENANT_BYTES)
  key.writeUInt32BE(tenant)
  return key
}

/** A tenant's key with more behind it. */
export function keyOf(tenant: number, ...parts: readonly (number | Buffer)[]): Buffer {
  return Buffer.concat([
    tenantKey(tenant),
    ...parts.map((part) => (typeof part === 'number' ? tenantKey(part) : part)),
  ])
}

/** Smallest key that does not begin with `prefix`. */
export function behind(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix)
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number
    if (byte < 0xff) {
      end[i] = byte + 1
      return end.subarray(0, i + 1)
    }
  }
  return Buffer.alloc(prefix.length + 32, 0xff)
}

/** A text as the last part of a key: itself, or its hash behind a byte no text begins with. */
export function textKey(text: string): Buffer {
  const bytes = Buffer.from(text)
  if (bytes.length <= TEXT_BYTES_MAX) return bytes
  return Buffer.concat([Buffer.of(LONG_TEXT), createHash('sha256').update(bytes).digest()])
}

/** The text of a key, or null when it holds the hash only. */
export function keyText(key: Buffer, at: number): string | null {
  return key[at] === LONG_TEXT ? null : key.toString('utf8', at)
}

export function listKey(tenant: number, hashes: readonly [number, number], name: number): Buffer {
  const key = Buffer.alloc(LIST_BYTES)
  writeListKey(key, tenant, hashes[0], hashes[1], name)
  return key
}

export function writeListKey(
  key: Buffer,
  tenant: number,
  high: number,
  low: number,
  name: number,
): void {
  writeWord(key, 0, tenant)
  writeWord(key, 4, high)
  writeWord(key, 8, low)
  writeWord(key, 12, name)
}

const HEX_DIGITS = Uint8Array.from({ length: 128 }, (_, unit) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(unit))
  return digit < 0 ? 255 : digit
})

/** Writes an id of 32 lower-case hex digits as 16 bytes; false when it is none. */
export function writeHexId(target: Buffer, at: number, id: string): boolean {
  if (id.length !== 32) return false
  for (let i = 0; i < 16; i++) {
    const high = HEX_DIGITS[id.charCodeAt(2 * i)] ?? 255
    const low = HEX_DIGITS[id.charCodeAt(2 * i + 1)] ?? 255
    if ((high | low) > 15) return false
    target[at + i] = (high << 4) | low
  }
  return true
}

/** Row of an entity's state. */
export function stateKey(tenant: number, entityType: number, entityId: string): Buffer {
  return keyOf(tenant, entityType, textKey(entityId))
}
