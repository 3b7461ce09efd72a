// `npm run index-away -- --seconds N`: the platform under load while its item index is away, five minutes by default.
import { parseArgs } from 'node:util'
import { indexAway } from '../support/index-away.ts'
import { withBenchFolder } from './bench-folder.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '300' } } })

await withBenchFolder(async (folder, ends) => {
  const report = await indexAway({ folder, awayMs: Number(values.seconds) * 1000, ends })
  const { before, away, after } = report
  for (const [phase, tally] of Object.entries({ before, away, after })) {
    const { slowestMs, wrong } = tally
    process.stdout.write(
      `${phase}: ${tally.posted} posted, ${tally.acknowledged} acknowledged, ${tally.got} read, ${tally.deleted} deleted, ` +
        `${tally.queriesRefused} of ${tally.queries} queries without the index, ${wrong.length} wrong; ` +
        `slowest POST ${slowestMs.post.toFixed(0)}, GET ${slowestMs.get.toFixed(0)}, DELETE ${slowestMs.delete.toFixed(0)} ms\n`,
    )
    for (const text of wrong.slice(0, 10)) process.stdout.write(`  ${text}\n`)
  }
  const { behind, caughtUpMs, kept, stored, items, shown, marked, found, exit } = report
  process.stdout.write(
    `${behind} records behind, caught up in ${caughtUpMs.toFixed(0)} ms; events ${stored} of ${kept}, ` +
      `items ${shown} of ${items}, marks ${found} of ${marked}; exit ${exit}\n`,
  )
  const wrong = [before, away, after].some((tally) => tally.wrong.length > 0)
  if (wrong || stored !== kept || shown !== items || found !== marked || exit !== 0) {
    process.exitCode = 1
  }
})
