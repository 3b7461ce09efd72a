// A 53-bit hash of an event's identity (entity and event id), kept as a column of its own. Readers look for repeats and
// deletions by comparing these numbers and decode the ids of only those rows whose number occurs more than once. The
// function is part of the file format: it never changes.

const PRIME = 0x01000193

/** Two different identities have the same number with probability 2⁻⁵³; readers compare the ids themselves then. */
export function identityNumber(entityType: string, entityId: string, eventId: string): number {
  let a = 0x811c9dc5
  let b = 0x9dc5811c
  for (let i = 0; i < entityType.length; i++) a = Math.imul(a ^ entityType.charCodeAt(i), PRIME)
  a = Math.imul(a ^ 0xffff, PRIME)
  for (let i = 0; i < entityId.length; i++) {
    const unit = entityId.charCodeAt(i)
    a = Math.imul(a ^ unit, PRIME)
    b = Math.imul(b + unit, 0x5bd1e995) ^ (b >>> 15)
  }
  for (let i = 0; i < eventId.length; i++) {
    const unit = eventId.charCodeAt(i)
    a = Math.imul(a ^ unit, PRIME)
    b = Math.imul(b + unit, 0x5bd1e995) ^ (b >>> 15)
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b)
  b = Math.imul(b ^ (b >>> 13) ^ a, 0xc2b2ae35)
  return ((a ^ (a >>> 13)) >>> 0) * 0x200000 + ((b ^ (b >>> 16)) >>> 11)
}
