import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DATA_FORMAT } from '../../infra/embedded/data-folder.ts'
import {
  newestFormat,
  runUpgrades,
  stepsFrom,
  UPGRADES,
  type Upgrade,
} from '../../infra/embedded/upgrades.ts'

function given(failing: number | null = null) {
  const done: string[] = []
  const upgrades = [2, 3, 4].map(
    (from): Upgrade => ({
      from,
      what: `step ${from}`,
      run: async (folder) => {
        if (from === failing) throw new Error('no room')
        done.push(`${folder} ${from}`)
      },
    }),
  )
  const run = (from: number) =>
    runUpgrades('data', stepsFrom(from, upgrades) ?? [], async (format) => {
      done.push(`now ${format}`)
    })
  return { done, upgrades, run }
}

describe('upgrades of a data folder', () => {
  it('lead from one format to the next, without a gap, up to the one of this version', () => {
    assert.deepEqual(
      UPGRADES.map(({ from }) => from),
      UPGRADES.map((_, place) => (UPGRADES[0]?.from ?? 0) + place),
    )
    assert.equal(newestFormat(UPGRADES), DATA_FORMAT)
  })

  it('are run from the format the folder has', async () => {
    const { done, upgrades, run } = given()
    assert.equal(newestFormat(upgrades), 5)
    await run(3)
    assert.deepEqual(done, ['data 3', 'now 4', 'data 4', 'now 5'])
  })

  it('are none for a folder of today, and there is no way from older or newer ones', () => {
    const { upgrades } = given()
    assert.deepEqual(stepsFrom(5, upgrades), [])
    assert.equal(stepsFrom(1, upgrades), null)
    assert.equal(stepsFrom(6, upgrades), null)
  })

  it('stop at the one that fails and keep what was reached', async () => {
    const { done, run } = given(3)
    await assert.rejects(run(2), {
      code: 'DATA_FOLDER_UNUSABLE',
      message: /from format 3 to 4 \(step 3\) failed: no room/,
    })
    assert.deepEqual(done, ['data 2', 'now 3'])
  })
})
