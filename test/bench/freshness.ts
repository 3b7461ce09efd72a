// From the acknowledgement of a user's event to the first changed answer: a client posts, then queries in a loop.
import { createClient } from '../../infra/cli/quickstart/http.ts'
import { rate, recommendations } from '../../infra/cli/quickstart/measure.ts'
import { withBenchFolder } from './bench-folder.ts'
import { cpuMs, percentile } from './process-figures.ts'
import { startQuickstart } from './quickstart-platform.ts'
import type { Report } from './report.ts'

const ROUNDS = 500

export async function run(report: Report): Promise<void> {
  await withBenchFolder(async (folder, ends) => {
    const { server, accessKey } = await startQuickstart(folder, ends)
    const client = createClient()
    ends.after(async () => client.close())
    const eventUrl = `${server.event}/events.json?accessKey=${accessKey}`
    const target = { client, eventUrl, queryUrl: `${server.query}/queries.json` }
    const items = (await recommendations(target, { num: 50 })).map(({ item }) => item)
    const times: number[] = []
    const cpu = cpuMs(server.pid)
    for (let round = 0; round < ROUNDS; round++) {
      const user = `fresh-${round}`
      const before = JSON.stringify(await recommendations(target, { user }))
      await rate(target, user, items[round % items.length] ?? '')
      const acknowledged = performance.now()
      while (JSON.stringify(await recommendations(target, { user })) === before) {
        if (performance.now() - acknowledged > 5000) throw new Error('an event had no effect')
      }
      times.push(performance.now() - acknowledged)
    }
    const p50 = percentile(times, 0.5)
    const p99 = percentile(times, 0.99)
    report.add({
      name: 'acknowledgement to changed answer',
      value: `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms`,
      cost: `${((cpuMs(server.pid) - cpu) / ROUNDS).toFixed(2)} ms CPU a round`,
      target: 'p50 < 5, p99 < 25 ms',
      reached: p50 < 5 && p99 < 25,
    })
  })
}
