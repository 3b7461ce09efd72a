// Queries over HTTP on the quickstart's data (10 k items), users with a history of 50, 8 connections; and memory at rest.
import { setTimeout as sleep } from 'node:timers/promises'
import { action, eventUrls, send } from '../support/http-client.ts'
import { operate } from './admin.ts'
import { withBenchFolder } from './bench-folder.ts'
import { cpuMs, memoryMb } from './process-figures.ts'
import { startQuickstart } from './quickstart-platform.ts'
import type { Report } from './report.ts'
import { load } from './wrk.ts'

const USERS = 500
const HISTORY = 50

export async function run(report: Report): Promise<void> {
  await withBenchFolder(async (folder, ends) => {
    const { server, data, accessKey } = await startQuickstart(folder, ends)
    await sleep(3000)
    const resting = memoryMb('RssAnon', server.pid)
    report.add({
      name: 'anonymous memory at rest',
      value: `${resting} MB RssAnon`,
      cost: `VmHWM ${memoryMb('VmHWM', server.pid)} MB`,
      target: '< 300 MB',
      reached: resting < 300,
    })
    await giveHistories(eventUrls(server.event, accessKey).batch, await popularItems(server.query))
    await operate(data, 'sync')
    const body = `return string.format('{"user":"bench-%d","num":20}', math.random(0, ${USERS - 1}))`
    const one = { folder, url: server.query, path: '/queries.json', connections: 8, body }
    await load({ ...one, seconds: 2 })
    const cpu = cpuMs(server.pid)
    const { requests, perSecond, p50Ms, p99Ms, errors } = await load({ ...one, seconds: 8 })
    report.add({
      name: 'query, 10 k items, history of 50',
      value: `${Math.round(perSecond)} /s, p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms`,
      cost: `${(((cpuMs(server.pid) - cpu) * 1000) / requests).toFixed(0)} µs CPU a query`,
      target: `>= 3500, p99 < 10 ms; ${errors} errors`,
      reached: perSecond >= 3500 && p99Ms < 10 && errors === 0,
    })
  })
}

/** Real histories hold popular items, whose posting lists are long. */
async function popularItems(server: string): Promise<string[]> {
  const reply = await send('POST', `${server}/queries.json`, { num: 1000 })
  return (reply.json as { itemScores: { item: string }[] }).itemScores.map(({ item }) => item)
}

async function giveHistories(url: string, items: readonly string[]): Promise<void> {
  for (let user = 0; user < USERS; user++) {
    const events = Array.from({ length: HISTORY }, (_, i) => {
      // Squared: the head of the list is taken more often, as in real histories.
      const share = ((user * 7919 + i * 104_729) % 10_007) / 10_007
      return action('rate', `bench-${user}`, items[Math.floor(share * share * items.length)] ?? '')
    })
    await send('POST', url, events)
  }
}
