import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { logLikelihoodRatio, occursMoreThanChance, roundWeight, xLogX } from '#schemas/numerics'

type Cells = readonly [number, number, number, number]

/** From the four cells of the table. */
const llr = (...[k11, k12, k21, k22]: Cells): number =>
  logLikelihoodRatio(k11, k11 + k12, k11 + k21, k11 + k12 + k21 + k22)

const close = (found: number, expected: number, within = 1e-12): void =>
  assert.ok(Math.abs(found - expected) <= within, `${found} is not ${expected}`)

/** Counts that some number of users can have. */
const table = fc
  .tuple(fc.nat(1e5), fc.nat(1e5), fc.nat(1e5), fc.nat(1e7))
  .filter(([k11]) => k11 > 0)

describe('log-likelihood ratio', () => {
  for (const [cells, value] of [
    [[1, 1, 0, 2], 1.7260924347106847],
    [[1, 0, 2, 1], 0.6795961471815897],
    [[1, 0, 0, 3], 4.498681156950466],
    [[2, 0, 0, 2], 5.545177444479561],
  ] as readonly (readonly [Cells, number])[]) {
    it(`of ${cells.join(', ')} is the published ${value}`, () => close(llr(...cells), value))
  }

  for (const [cells, value] of [
    [[1, 0, 0, 2], 3.8191],
    [[1, 1, 1, 0], 1.0465],
    [[3, 0, 0, 5], 10.585],
    [[2, 1, 0, 5], 5.178],
    [[2, 0, 0, 6], 8.997],
  ] as readonly (readonly [Cells, number])[]) {
    it(`of ${cells.join(', ')} is ${value}`, () => close(llr(...cells), value, 5e-4))
  }

  it('is exactly 0 where both are independent, however large the counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 3000 }), (a, b) => {
        assert.equal(llr(a, b, a, b), 0)
        assert.equal(llr(a, a, b, b), 0)
      }),
    )
  })

  it('is never negative, finite, and the same for row and column exchanged', () => {
    fc.assert(
      fc.property(table, ([k11, k12, k21, k22]) => {
        const value = llr(k11, k12, k21, k22)
        assert.ok(value >= 0 && Number.isFinite(value))
        const n = k11 + k12 + k21 + k22
        close(llr(k11, k21, k12, k22), value, n * 1e-12)
      }),
      { numRuns: 2000 },
    )
  })

  it('agrees with the definition by entropies', () => {
    fc.assert(
      fc.property(table, ([k11, k12, k21, k22]) => {
        const n = k11 + k12 + k21 + k22
        const cells = [
          [k11, k11 + k12, k11 + k21],
          [k12, k11 + k12, k12 + k22],
          [k21, k21 + k22, k11 + k21],
          [k22, k21 + k22, k12 + k22],
        ] as const
        // G = 2 Σ observed · ln(observed / expected)
        const g = cells.map(([k, r, c]) => (k === 0 ? 0 : k * Math.log((k * n) / (r * c))))
        close(llr(k11, k12, k21, k22), 2 * g.reduce((a, b) => a + b, 0), n * 1e-12)
      }),
      { numRuns: 1000 },
    )
  })

  it('says in integers whether a pair occurs more often than chance', () => {
    assert.equal(occursMoreThanChance(1, 1, 1, 3), true)
    assert.equal(occursMoreThanChance(1, 2, 2, 3), false)
    assert.equal(occursMoreThanChance(1, 2, 2, 4), false)
    assert.equal(xLogX(0), 0)
  })
})

describe('weights', () => {
  it('keep 8 bits behind the leading one, cut off and not rounded', () => {
    assert.equal(roundWeight(1), 1)
    assert.equal(roundWeight(1 + 1 / 256), 1 + 1 / 256)
    assert.equal(roundWeight(1 + 1 / 256 + 1 / 1024), 1 + 1 / 256)
    assert.equal(roundWeight(Math.PI), 3.140625)
    assert.equal(roundWeight(0), 0)
  })

  it('are at most 1/256 below what they were, never above, and stay when rounded again', () => {
    const positive = fc.double({ min: 1e-30, max: 1e30, noNaN: true })
    fc.assert(
      fc.property(positive, (weight) => {
        const rounded = roundWeight(weight)
        assert.ok(rounded <= Math.fround(weight) && rounded > (weight * 255) / 256)
        assert.equal(roundWeight(rounded), rounded)
      }),
      { numRuns: 2000 },
    )
  })

  it('keep their order', () => {
    const weight = fc.double({ min: 0, max: 1000, noNaN: true })
    fc.assert(
      fc.property(weight, weight, (a, b) => {
        if (a <= b) assert.ok(roundWeight(a) <= roundWeight(b))
      }),
    )
  })
})
