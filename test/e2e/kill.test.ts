// kill -9 of the whole platform under load, round after round: every acknowledged event is stored once, nothing is stored
// twice, what was deleted stays away, and whatever is stored was sent. `npm run kill` does many more rounds.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { killRounds } from '../support/kill-rounds.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROUNDS = 10

test(`${ROUNDS} rounds of kill -9 lose nothing and double nothing`, async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const { slowestStartMs, ...report } = await killRounds({ data, rounds: ROUNDS, ends: t })
  const { sent, acknowledged, deleted, again, stored } = report
  assert.deepEqual(report, {
    ...{ sent, acknowledged, deleted, again, stored },
    ...{ lost: [], twice: [], undead: [], invented: [], exit: 0 },
  })
  assert.ok(acknowledged > ROUNDS * 20, `only ${acknowledged} acknowledged`)
  assert.ok(deleted > ROUNDS, `only ${deleted} deleted`)
  assert.ok(slowestStartMs < 5000, `a restart took ${slowestStartMs} ms`)
  t.diagnostic(
    `${sent} sent, ${acknowledged} acknowledged, ${again} sent again, ${deleted} deleted, ${stored} stored, 0 lost, 0 twice`,
  )
})
