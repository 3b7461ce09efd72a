// The simulation at length: 2,000 runs, and every planted bug found.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BUGS, findBug, SEEDS_TO_FIND } from '../sim/find-bug.ts'
import { simulate } from '../sim/simulate.ts'

const SEEDS = 2000

describe('simulation', () => {
  it(`keeps every promise in ${SEEDS} runs`, async (t) => {
    const began = performance.now()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { findings } = await simulate(seed)
      const told = findings.map(({ checker, what, step }) => `step ${step}, ${checker}: ${what}`)
      const replay = `npm run sim -- --seed ${seed} --trace`
      assert.equal(findings.length, 0, `${told.join('\n')}\nreplay it with: ${replay}`)
    }
    const seconds = (performance.now() - began) / 1000
    t.diagnostic(`${(SEEDS / seconds).toFixed(0)} seeds a second`)
  })

  for (const bug of BUGS) {
    it(`finds within ${SEEDS_TO_FIND} runs: ${bug.name}`, async (t) => {
      const found = await findBug(bug)
      assert.ok(found, `no run of ${SEEDS_TO_FIND} found it`)
      t.diagnostic(`seed ${found.seed}, step ${found.step}, ${found.checker}: ${found.what}`)
    })
  }
})
