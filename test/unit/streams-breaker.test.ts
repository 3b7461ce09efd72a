import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CLOSED_BREAKER,
  countGood,
  countRecord,
  isBroken,
  REFUSAL_WINDOW,
  REFUSALS_MAX,
} from '../../streams/breaker.ts'

const refusals = (count: number, state = CLOSED_BREAKER) => {
  let next = state
  for (let i = 0; i < count; i++) next = countRecord(next, true)
  return next
}

describe('breaker', () => {
  it('holds at 20 refusals and breaks at the 21st', () => {
    const held = refusals(REFUSALS_MAX)
    assert.equal(isBroken(held), false)
    assert.equal(isBroken(countRecord(held, true)), true)
  })

  it('forgets refusals that are 1,000 records old', () => {
    // The first of 21 refusals is record 1; 21 refusals with 979 good ones between make 1,000 records.
    const within = refusals(
      REFUSALS_MAX,
      countGood(countRecord(CLOSED_BREAKER, true), REFUSAL_WINDOW - 21),
    )
    assert.equal(within.seen, REFUSAL_WINDOW)
    assert.equal(isBroken(within), true)
    const outside = refusals(
      REFUSALS_MAX,
      countGood(countRecord(CLOSED_BREAKER, true), REFUSAL_WINDOW - 20),
    )
    assert.equal(outside.seen, REFUSAL_WINDOW + 1)
    assert.equal(isBroken(outside), false)
  })

  it('is closed again when good records followed', () => {
    assert.equal(isBroken(countGood(refusals(30), REFUSAL_WINDOW)), false)
  })
})
