// Hashes that several stations and backends must compute alike. All work on UTF-8 bytes.

const encoder = new TextEncoder()

/** FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), of the UTF-8 bytes of `text`. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 127) return fnv1a32Bytes(encoder.encode(text))
    hash = Math.imul(hash ^ unit, 0x01000193)
  }
  return hash >>> 0
}

function fnv1a32Bytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** Kafka's murmur2 (seed 0x9747b28c), as its default partitioner computes it; an unsigned 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length
  let hash = 0x9747b28c ^ length
  const words = length & ~3
  for (let i = 0; i < words; i += 4) {
    const word =
      (bytes[i] ?? 0) |
      ((bytes[i + 1] ?? 0) << 8) |
      ((bytes[i + 2] ?? 0) << 16) |
      ((bytes[i + 3] ?? 0) << 24)
    let k = Math.imul(word, 0x5bd1e995)
    k ^= k >>> 24
    hash = Math.imul(hash, 0x5bd1e995) ^ Math.imul(k, 0x5bd1e995)
  }
  const tail = length - words
  if (tail > 2) hash ^= (bytes[words + 2] ?? 0) << 16
  if (tail > 1) hash ^= (bytes[words + 1] ?? 0) << 8
  if (tail > 0) hash = Math.imul(hash ^ (bytes[words] ?? 0), 0x5bd1e995)
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995)
  return (hash ^ (hash >>> 15)) >>> 0
}

/**
 * 64-bit hash of an entity as 16 hex digits, from two FNV-1a runs of different order. Names an entity in erasure records
 * and in keys; not secret, so no cryptographic strength is claimed.
 */
export function entityHash(entityType: string, entityId: string): string {
  const key = `${entityType}\u0000${entityId}`
  const high = fnv1a32(key)
  const low = fnv1a32(`${entityId}\u0001${entityType}\u0001${high}`)
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

/** Murmur3 (x86, 32 bits, https://github.com/aappleby/smhasher) of the UTF-16LE bytes of `text`; an unsigned number. */
export function murmur3(text: string, seed = 0): number {
  let hash = seed | 0
  const pairs = text.length & ~1
  for (let i = 0; i < pairs; i += 2) {
    hash ^= scrambled(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16))
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  if (pairs < text.length) hash ^= scrambled(text.charCodeAt(pairs))
  hash ^= text.length * 2
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function scrambled(word: number): number {
  const k = Math.imul(word, 0xcc9e2d51)
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593)
}
