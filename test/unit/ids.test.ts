import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createIdSource, derivedId } from '#schemas/ids'

const UUID7 = /^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/
const ones = (pool: Uint16Array): Uint16Array => pool.fill(0xffff)

describe('ids', () => {
  it('are UUIDs of version 7 that begin with the time', () => {
    const id = createIdSource()(0x0123456789ab)
    assert.match(id, UUID7)
    assert.equal(id.slice(0, 12), '0123456789ab')
  })

  it('ascend whatever the clock does', () => {
    const clocks = fc.array(fc.integer({ min: 0, max: 2 ** 47 }), { minLength: 2, maxLength: 50 })
    fc.assert(
      fc.property(clocks, fc.integer({ min: 1, max: 50 }), (times, each) => {
        const next = createIdSource()
        let last = ''
        for (const time of times) {
          for (let n = 0; n < each; n++) {
            const id = next(time)
            assert.match(id, UUID7)
            assert.ok(id > last, `${id} after ${last}`)
            last = id
          }
        }
      }),
    )
  })

  it('ascend and differ inside one millisecond, over many pools of chance', () => {
    const next = createIdSource()
    const ids = Array.from({ length: 20_000 }, () => next(5))
    assert.deepEqual(ids, [...new Set(ids)].sort())
  })

  it('run ahead of a clock that stands still before the counter overflows', () => {
    // The counter begins at 0x3fff here; ten steps later the millisecond is full.
    const next = createIdSource(ones, 0x3fff + 10)
    const ids = Array.from({ length: 25 }, () => next(7))
    assert.deepEqual(ids, [...new Set(ids)].sort())
    const times = ids.map((id) => Number.parseInt(id.slice(0, 12), 16))
    assert.deepEqual([times[9], times[10], times[20]], [7, 8, 9])
    assert.equal(next(100).slice(0, 12), '000000000064')
  })

  it('take their chance from the source given', () => {
    assert.equal(createIdSource(ones)(1), `0000000000017000bfff${'f'.repeat(12)}`)
  })
})

describe('derived ids', () => {
  it('are stable, 32 hex digits, and differ when any part differs', () => {
    assert.equal(derivedId('a', 1), derivedId('a', 1))
    assert.match(derivedId('a', 1), /^[0-9a-f]{32}$/)
    const part = fc.oneof(fc.string({ maxLength: 3 }), fc.nat())
    const parts = fc.array(part, { maxLength: 3 })
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same = a.length === b.length && a.every((value, i) => String(value) === String(b[i]))
        assert.equal(derivedId(...a) === derivedId(...b), same)
      }),
      { numRuns: 1000 },
    )
  })
})
