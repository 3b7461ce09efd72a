import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CLOSED_BREAKER,
  countGood,
  countRefused,
  forgive,
  guiltyApp,
  isBroken,
  REFUSAL_WINDOW,
  REFUSALS_MAX,
} from '../../streams/breaker.ts'

const refusals = (count: number, state = CLOSED_BREAKER, app: number | null = 1) => {
  let next = state
  for (let i = 0; i < count; i++) next = countRefused(next, app)
  return next
}

describe('breaker', () => {
  it('holds at 20 refusals and breaks at the 21st', () => {
    const held = refusals(REFUSALS_MAX)
    assert.equal(isBroken(held), false)
    assert.equal(isBroken(countRefused(held, 1)), true)
  })

  it('forgets refusals that are 1,000 records old', () => {
    // The first of 21 refusals is record 1; 21 refusals with 979 good ones between make 1,000 records.
    const within = refusals(
      REFUSALS_MAX,
      countGood(countRefused(CLOSED_BREAKER, 1), REFUSAL_WINDOW - 21),
    )
    assert.equal(within.seen, REFUSAL_WINDOW)
    assert.equal(isBroken(within), true)
    const outside = refusals(
      REFUSALS_MAX,
      countGood(countRefused(CLOSED_BREAKER, 1), REFUSAL_WINDOW - 20),
    )
    assert.equal(outside.seen, REFUSAL_WINDOW + 1)
    assert.equal(isBroken(outside), false)
  })

  it('is closed again when good records followed', () => {
    assert.equal(isBroken(countGood(refusals(30), REFUSAL_WINDOW)), false)
  })

  it('knows the one app whose refusals broke it, and can forgive it', () => {
    const one = refusals(REFUSALS_MAX + 1)
    assert.equal(guiltyApp(one), 1)
    assert.equal(isBroken(forgive(one, 1)), false)
    const mixed = refusals(REFUSALS_MAX, countRefused(CLOSED_BREAKER, 2))
    assert.equal(guiltyApp(mixed), null)
    assert.deepEqual(forgive(mixed, 1).refusals, [{ at: 1, app: 2 }])
    assert.equal(guiltyApp(refusals(REFUSALS_MAX + 1, CLOSED_BREAKER, null)), null)
  })
})
