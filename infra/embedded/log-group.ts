// One commit group as one value of LMDB. All numbers are 32 bits, little-endian:
//
//   crc32 of all that follows │ count │ length × count │ record bytes × count
//
// Its key is the offset of its first record, so the next group's key is key + count. A group of count 0 marks an end
// where nothing else does.
import { crc32 } from 'node:zlib'

const CRC_BYTES = 4
const HEAD_BYTES = 8
const LENGTH_BYTES = 4

/** Bytes that `values` take as a group. */
export function groupBytes(values: readonly Uint8Array[]): number {
  let bytes = HEAD_BYTES + values.length * LENGTH_BYTES
  for (const value of values) bytes += value.length
  return bytes
}

/** What one more value adds to a group. */
export function valueBytes(value: Uint8Array): number {
  return LENGTH_BYTES + value.length
}

/** Packs `values` into the beginning of `target`, which has room for `groupBytes(values)`; returns the bytes used. */
export function packGroup(values: readonly Uint8Array[], target: Buffer): number {
  let lengthAt = HEAD_BYTES
  let at = HEAD_BYTES + values.length * LENGTH_BYTES
  target.writeUInt32LE(values.length, CRC_BYTES)
  for (const value of values) {
    target.writeUInt32LE(value.length, lengthAt)
    target.set(value, at)
    lengthAt += LENGTH_BYTES
    at += value.length
  }
  target.writeUInt32LE(crc32(target.subarray(CRC_BYTES, at)), 0)
  return at
}

/** True when the bytes are a whole group: lengths that add up and the right checksum. */
export function isWholeGroup(group: Buffer): boolean {
  if (group.length < HEAD_BYTES) return false
  const count = group.readUInt32LE(CRC_BYTES)
  let bytes = HEAD_BYTES + count * LENGTH_BYTES
  if (bytes > group.length) return false
  for (let i = 0; i < count; i++) bytes += group.readUInt32LE(HEAD_BYTES + i * LENGTH_BYTES)
  return bytes === group.length && group.readUInt32LE(0) === crc32(group.subarray(CRC_BYTES))
}

/** Records of a whole group. */
export function groupCount(group: Buffer): number {
  return group.readUInt32LE(CRC_BYTES)
}

/** Appends the records of a whole group from its `skip`th on to `records`, as views; returns their bytes. */
export function unpackGroup(
  group: Buffer,
  firstOffset: number,
  skip: number,
  records: { offset: number; value: Uint8Array }[],
): number {
  const count = groupCount(group)
  let at = HEAD_BYTES + count * LENGTH_BYTES
  let bytes = 0
  for (let i = 0; i < count; i++) {
    const length = group.readUInt32LE(HEAD_BYTES + i * LENGTH_BYTES)
    if (i >= skip) {
      records.push({ offset: firstOffset + i, value: group.subarray(at, at + length) })
      bytes += length
    }
    at += length
  }
  return bytes
}
