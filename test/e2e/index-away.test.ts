// With the item index away, events are accepted, read and deleted as always; when it is back it catches up with everything.
// `npm run index-away` does the same for five minutes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indexAway } from '../support/index-away.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('ingest, GET and DELETE are unharmed while the index is away, and it catches up', async (t) => {
  const folder = await temporaryFolder(t)
  const report = await indexAway({ folder, awayMs: 4000, ends: t })
  for (const [phase, tally] of Object.entries({
    before: report.before,
    away: report.away,
    after: report.after,
  })) {
    assert.deepEqual(tally.wrong, [], phase)
    assert.ok(tally.posted > 10, `${phase}: ${tally.posted} posted`)
    assert.equal(tally.acknowledged, tally.posted, phase)
    assert.equal(tally.got, tally.posted, phase)
    assert.ok(tally.deleted > 0, phase)
    t.diagnostic(`${phase}: ${JSON.stringify(tally)}`)
  }
  assert.equal(report.before.queriesRefused, 0)
  assert.equal(report.away.queriesRefused, report.away.queries)
  assert.equal(report.after.queriesRefused, 0)
  assert.ok(report.behind >= report.away.posted, `only ${report.behind} behind`)
  assert.equal(report.stored, report.kept)
  assert.equal(report.shown, report.items)
  assert.equal(report.found, report.marked)
  assert.equal(report.exit, 0)
  const { behind, caughtUpMs, stored, shown } = report
  t.diagnostic(
    `${behind} records behind, caught up in ${caughtUpMs.toFixed(0)} ms; ${stored} events stored, ${shown} items shown`,
  )
})
