import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulate } from './simulate.ts'

/** Seeds of the quick tests; the others run in test/e2e, and any number by `npm run sim`. */
const SEEDS = 100

describe('simulation', () => {
  it(`keeps every promise in ${SEEDS} runs`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings } = await simulate(seed)
      const told = findings.map(({ checker, what, step }) => `step ${step}, ${checker}: ${what}`)
      const replay = `npm run sim -- --seed ${seed} --trace`
      assert.equal(findings.length, 0, `${told.join('\n')}\nreplay it with: ${replay}`)
    }
  })

  it('runs the same seed the same way', async () => {
    for (const seed of [2, 3, 5, 8, 13]) {
      const first = await simulate(seed, { trace: true })
      const second = await simulate(seed, { trace: true })
      assert.deepEqual(second.trace, first.trace)
    }
  })
})
