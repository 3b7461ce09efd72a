import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeRecord,
  encodeRecord,
  eventAppOf,
  RecordFormatError,
  SCHEMA_IDS,
} from '#schemas/codec'
import type { EventRecord } from '#schemas/record'
import { recordArbitrary } from '../support/arbitraries.ts'

const RECORD: EventRecord = {
  kind: 'event',
  app: 1,
  channel: 0,
  appendId: '',
  event: {
    eventId: 'e1',
    event: 'view',
    entityType: 'user',
    entityId: 'u1',
    targetEntityType: 'item',
    targetEntityId: 'i1',
    properties: '{"rating":5.0}',
    eventTime: 1_400_000_000_000,
    eventTimeOffset: -480,
    prId: null,
    creationTime: 1_400_000_000_001,
  },
}

describe('codec', () => {
  it('gives back every record as it was', () => {
    fc.assert(
      fc.property(recordArbitrary, (record) => {
        assert.deepEqual(decodeRecord(encodeRecord(record)), record)
      }),
      { numRuns: 500 },
    )
  })

  it("reads an event's app without decoding it, and no other record's", () => {
    fc.assert(
      fc.property(recordArbitrary, (record) => {
        const app = record.kind === 'event' ? record.app : null
        assert.equal(eventAppOf(encodeRecord(record)), app)
      }),
    )
    for (const app of [0, 1, 63, 64, 8191, 8192, 2 ** 31 - 1]) {
      assert.equal(eventAppOf(encodeRecord({ ...RECORD, app })), app)
    }
    assert.equal(eventAppOf(Buffer.alloc(0)), null)
  })

  it('frames with a zero and the schema id', () => {
    const bytes = encodeRecord(RECORD)
    assert.deepEqual([...bytes.subarray(0, 5)], [0, 0, 0, 0, SCHEMA_IDS.event])
  })

  for (const size of [60_000, 70_000, 200_000, 3_000_000]) {
    it(`takes a record of ${size} bytes, and a small one after it`, () => {
      const large: EventRecord = {
        ...RECORD,
        event: { ...RECORD.event, properties: `{"a":"${'ä'.repeat(size / 2)}"}` },
      }
      assert.deepEqual(decodeRecord(encodeRecord(large)), large)
      assert.deepEqual(decodeRecord(encodeRecord(RECORD)), RECORD)
    })
  }

  it('gives each record bytes of its own', () => {
    const first = encodeRecord(RECORD)
    const copy = Buffer.from(first)
    encodeRecord({ ...RECORD, app: 99 })
    assert.deepEqual(first, copy)
  })

  it('decodes from a view inside a larger buffer', () => {
    const bytes = encodeRecord(RECORD)
    const larger = new Uint8Array(bytes.length + 20).fill(7)
    larger.set(bytes, 9)
    assert.deepEqual(decodeRecord(larger.subarray(9, 9 + bytes.length)), RECORD)
  })

  const bytes = encodeRecord(RECORD)
  const damaged: readonly (readonly [string, Uint8Array])[] = [
    ['nothing', new Uint8Array()],
    ['a frame without an id', bytes.subarray(0, 4)],
    ['another first byte', Buffer.concat([Buffer.from([1]), bytes.subarray(1)])],
    ['an unknown schema id', Buffer.from([0, 0, 0, 0, 99, 0])],
    ['a cut record', bytes.subarray(0, bytes.length - 1)],
    ['bytes behind the record', Buffer.concat([bytes, Buffer.from([0])])],
  ]
  for (const [what, value] of damaged) {
    it(`throws RecordFormatError for ${what}`, () => {
      assert.throws(() => decodeRecord(value), RecordFormatError)
    })
  }

  it('throws nothing but RecordFormatError for any bytes', () => {
    const frame = fc.uint8Array({ maxLength: 80 }).map((tail) => {
      const kinds = Object.values(SCHEMA_IDS)
      return Buffer.concat([
        Buffer.from([0, 0, 0, 0, kinds[(tail[0] ?? 0) % kinds.length] ?? 1]),
        tail,
      ])
    })
    fc.assert(
      fc.property(fc.oneof(frame, fc.uint8Array({ maxLength: 80 })), (value) => {
        try {
          decodeRecord(value)
        } catch (error) {
          assert.ok(error instanceof RecordFormatError, String(error))
        }
      }),
      { numRuns: 2000 },
    )
  })
})
