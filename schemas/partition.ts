// A record's partition: murmur2 of (app, channel, entityType, entityId as length-prefixed bytes), so that everything
// about one entity stands in one order and no two different entities make the same bytes.
import { murmur2 } from './hashes.ts'

/** Partition of an entity's records, 0 … partitions - 1. */
export function partitionOf(
  app: number,
  channel: number,
  entityType: string,
  entityId: string,
  partitions: number,
): number {
  if (partitions === 1) return 0
  const type = Buffer.from(entityType, 'utf8')
  const id = Buffer.from(entityId, 'utf8')
  const key = Buffer.allocUnsafe(16 + type.length + id.length)
  key.writeUInt32BE(app, 0)
  key.writeUInt32BE(channel, 4)
  key.writeUInt32BE(type.length, 8)
  type.copy(key, 12)
  key.writeUInt32BE(id.length, 12 + type.length)
  id.copy(key, 16 + type.length)
  return (murmur2(key) & 0x7fffffff) % partitions
}
