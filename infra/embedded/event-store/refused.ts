// Events that were refused and whose dead letters may not be durable yet. They are written in the transaction that passes
// them and go when the letters are in the dead-letter log, so that a crash in between loses none.
//
//   meta: 'refused/' generation 4 · partition 4 · offset 8 → the record as it stands in the log
import { decodeRecord, encodeRecord } from '#schemas/codec'
import type { EventRecord, Placed } from '#schemas/record'
import type { Tables } from './environment.ts'
import { behind } from './keys.ts'

const PREFIX = Buffer.from('refused/')

export interface Refused {
  /** Call it inside the transaction. */
  add(refused: readonly Placed<EventRecord>[]): void
  list(): readonly Placed<EventRecord>[]
  remove(refused: readonly Placed<EventRecord>[]): void
}

export function createRefused({ root, meta }: Tables): Refused {
  return {
    add: (refused) => {
      for (const placed of refused) meta.putSync(keyOf(placed), encodeRecord(placed.record))
    },
    list: () =>
      [...meta.getRange({ start: PREFIX, end: behind(PREFIX) })].map(({ key, value }) => ({
        generation: key.readUInt32BE(PREFIX.length),
        partition: key.readUInt32BE(PREFIX.length + 4),
        offset: Number(key.readBigUInt64BE(PREFIX.length + 8)),
        record: decodeRecord(value) as EventRecord,
      })),
    remove: (refused) =>
      root.transactionSync(() => {
        for (const placed of refused) meta.removeSync(keyOf(placed))
      }),
  }
}

function keyOf({ generation, partition, offset }: Placed): Buffer {
  const place = Buffer.alloc(16)
  place.writeUInt32BE(generation, 0)
  place.writeUInt32BE(partition, 4)
  place.writeBigUInt64BE(BigInt(offset), 8)
  return Buffer.concat([PREFIX, place])
}
