// `npm run kill -- --rounds N`: kill -9 of the platform under load, 100 rounds by default, and what the ledger says.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { killRounds } from '../support/kill-rounds.ts'
import { withBenchFolder } from './bench-folder.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } })
const rounds = Number(values.rounds)

await withBenchFolder(async (folder, ends) => {
  const report = await killRounds({
    data: join(folder, 'data'),
    rounds,
    ends,
    onRound: (round, readyMs) => {
      if (round % 10 === 0)
        process.stdout.write(`round ${round}: ready after ${readyMs.toFixed(0)} ms\n`)
    },
  })
  const { lost, twice, undead, invented } = report
  const counts = { lost, twice, undead, invented }
  const wrong = Object.entries(counts).filter(([, names]) => names.length > 0)
  process.stdout.write(
    `${rounds} rounds: ${report.sent} sent, ${report.acknowledged} acknowledged, ${report.again} sent again, ` +
      `${report.deleted} deleted, ${report.stored} stored; ` +
      `${lost.length} lost, ${twice.length} twice, ${undead.length} undead, ${invented.length} never sent; ` +
      `slowest start ${report.slowestStartMs.toFixed(0)} ms, exit ${report.exit}\n`,
  )
  for (const [what, names] of wrong) {
    process.stdout.write(`${what}: ${names.slice(0, 20).join(' ')}\n`)
  }
  if (wrong.length > 0 || report.exit !== 0) process.exitCode = 1
})
