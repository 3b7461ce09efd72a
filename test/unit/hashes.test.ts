import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { entityHash, fnv1a32, murmur2, murmur3 } from '#schemas/hashes'
import { partitionOf } from '#schemas/partition'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('murmur2', () => {
  // Apache Kafka's own test vectors (signed there).
  for (const [text, signed] of [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ] as const) {
    it(`of ${text} is Kafka's`, () => assert.equal(murmur2(bytes(text)) | 0, signed))
  }
})

describe('fnv1a32', () => {
  for (const [text, hash] of [
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ] as const) {
    it(`of ${JSON.stringify(text)} is the published value`, () => assert.equal(fnv1a32(text), hash))
  }

  it('hashes UTF-8 bytes, with characters of any length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        let hash = 0x811c9dc5n
        for (const byte of bytes(text)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn
        assert.equal(BigInt(fnv1a32(text)), hash)
      }),
      { numRuns: 500 },
    )
  })
})

describe('entity hash', () => {
  it('is 16 hex digits and differs for 100,000 consecutive ids', () => {
    const hashes = Array.from({ length: 100_000 }, (_, n) => entityHash('user', `u${n}`))
    assert.match(hashes[0] ?? '', /^[0-9a-f]{16}$/)
    assert.equal(new Set(hashes).size, hashes.length)
  })

  it('tells type and id apart', () => {
    const pairs = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['', 'abc'],
      ['a\u0000b', 'c'],
      ['a', 'b\u0000c'],
    ] as const
    assert.equal(new Set(pairs.map(([type, id]) => entityHash(type, id))).size, pairs.length)
  })
})

describe('partition', () => {
  it('is in range and depends on nothing but the entity', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        text,
        text,
        fc.integer({ min: 1, max: 64 }),
        (app, channel, type, id, n) => {
          const partition = partitionOf(app, channel, type, id, n)
          assert.ok(Number.isInteger(partition) && partition >= 0 && partition < n)
          assert.equal(partitionOf(app, channel, type, id, n), partition)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('hashes app, channel, and both texts with their lengths before them', () => {
    const key = Buffer.from(
      '00000007' + '00000002' + '00000004' + '75736572' + '00000002' + 'c3a9',
      'hex',
    )
    assert.equal(partitionOf(7, 2, 'user', 'é', 12), (murmur2(key) & 0x7fffffff) % 12)
  })

  it('spreads 60,000 users evenly over 12', () => {
    const counts = new Array<number>(12).fill(0)
    for (let n = 0; n < 60_000; n++) {
      const partition = partitionOf(1, 0, 'user', `user-${n}`, 12)
      counts[partition] = (counts[partition] ?? 0) + 1
    }
    assert.ok(Math.min(...counts) > 4500 && Math.max(...counts) < 5500, counts.join(' '))
  })

  it('never changes: records already written depend on it', () => {
    const found = ['u1', 'u2', 'u3', 'ü', ''].map((id) => partitionOf(1, 0, 'user', id, 12))
    assert.deepEqual(found, [5, 2, 3, 3, 7])
  })
})

describe('murmur3', () => {
  // Vectors of Elasticsearch's own test of its routing.
  const known: readonly [string, number][] = [
    ['hell', 0x5a0cb7c3],
    ['hello', 0xd7c31989],
    ['hello w', 0x22ab2984],
    ['hello wo', 0xdf0ca123],
    ['hello wor', 0xe7744d61],
    ['The quick brown fox jumps over the lazy dog', 0xe07db09c],
    ['The quick brown fox jumps over the lazy cog', 0x4e63d2ad],
  ]
  for (const [text, hash] of known) {
    it(`of ${text}`, () => assert.equal(murmur3(text), hash))
  }

  it('of nothing, with and without a seed', () => {
    assert.equal(murmur3(''), 0)
    assert.equal(murmur3('', 1), 0x514e28b7)
  })
})
