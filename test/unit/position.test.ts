import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  covers,
  emptyWatermark,
  formatPositions,
  orderOf,
  type Position,
  parsePositions,
  union,
  type Watermark,
  watermarkOf,
} from '#schemas/position'

const position: fc.Arbitrary<Position> = fc.record(
  {
    generation: fc.nat(3),
    partition: fc.nat(5),
    offset: fc.oneof(fc.nat(20), fc.constant(999_999_999_999_999)),
  },
  { noNullPrototype: true },
)
const watermark: fc.Arbitrary<Watermark> = fc.record(
  { generation: fc.nat(2), offsets: fc.array(fc.nat(5), { maxLength: 4 }) },
  { noNullPrototype: true },
)

describe('position header', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.array(position, { minLength: 1, maxLength: 20 }), (positions) => {
        assert.deepEqual(parsePositions(formatPositions(positions)), positions)
      }),
    )
  })

  it('allows spaces around the commas', () => {
    assert.equal(parsePositions('0/0/1, 0/1/2')?.length, 2)
  })

  for (const header of [
    '',
    ',',
    '0/0',
    '0/0/x',
    '0/0/1,',
    '-1/0/0',
    '0/0/1.5',
    `0/0/${'9'.repeat(16)}`,
    '0/0/1/2',
  ]) {
    it(`refuses ${JSON.stringify(header)}`, () => assert.equal(parsePositions(header), null))
  }

  it('takes 1,000 positions and no more', () => {
    const header = (n: number): string => new Array(n).fill('0/0/1').join(',')
    assert.equal(parsePositions(header(1000))?.length, 1000)
    assert.equal(parsePositions(header(1001)), null)
  })
})

describe('watermarks', () => {
  it('cover themselves and what is empty', () => {
    fc.assert(
      fc.property(watermark, (mark) => {
        assert.ok(covers(mark, mark))
        assert.ok(covers(mark, emptyWatermark(mark.offsets.length)))
      }),
    )
  })

  it('union covers both, and nothing that covers both is less', () => {
    fc.assert(
      fc.property(watermark, watermark, watermark, (a, b, c) => {
        const both = union(a, b)
        assert.ok(covers(both, a) && covers(both, b))
        if (covers(c, a) && covers(c, b)) assert.ok(covers(c, both))
      }),
      { numRuns: 1000 },
    )
  })

  it('of positions cover each of the newest generation, and no record behind', () => {
    fc.assert(
      fc.property(fc.array(position, { minLength: 1, maxLength: 8 }), (positions) => {
        const mark = watermarkOf(positions, 6)
        const newest = Math.max(...positions.map(({ generation }) => generation))
        assert.equal(mark.generation, newest)
        for (const [partition, offset] of mark.offsets.entries()) {
          const named = positions.filter(
            (p) => p.generation === newest && p.partition === partition,
          )
          assert.equal(offset, Math.max(0, ...named.map((p) => p.offset + 1)))
        }
      }),
    )
  })

  it('of a position in a partition that is not there ask for nothing', () => {
    assert.deepEqual(watermarkOf([{ generation: 0, partition: 9, offset: 5 }], 2).offsets, [0, 0])
  })
})

describe('order of places', () => {
  it('is the offset in the first generation and higher in every later one', () => {
    assert.equal(orderOf({ generation: 0, offset: 12 }), 12)
    const place = fc.record({ generation: fc.nat(8191), offset: fc.nat({ max: 2 ** 40 - 1 }) })
    fc.assert(
      fc.property(place, place, (a, b) => {
        const expected = Math.sign(a.generation - b.generation || a.offset - b.offset)
        assert.equal(Math.sign(orderOf(a) - orderOf(b)), expected)
        assert.ok(Number.isSafeInteger(orderOf(a)))
      }),
    )
  })
})
