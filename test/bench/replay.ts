// `replay` of a million events while others arrive: how fast, that nothing differs, what memory the process takes more, and how
// long an answer takes meanwhile. Then the switch.
import { join } from 'node:path'
import { action, eventUrls, itemEvent, send } from '../support/http-client.ts'
import { millraceJson, type RunningMillrace, startMillrace } from '../support/millrace-process.ts'
import { operate } from './admin.ts'
import { withBenchFolder } from './bench-folder.ts'
import { cpuMs, memoryMb, percentile } from './process-figures.ts'
import type { Report } from './report.ts'
import { writeShop } from './shop-file.ts'

const EVENTS_MIN = 1_000_000
const BATCH = 50
/** Between two batches of the load: about a thousand events a second. */
const PAUSE_MS = 50

interface Replayed {
  readonly seconds: number
  readonly events: number
  readonly pausedMs: number | null
  readonly records: { readonly fromArchive: number; readonly fromLog: number }
  readonly differences: { readonly total: number }
}

interface Load {
  /** Milliseconds that single events took, and batches that failed. */
  stop(): Promise<{
    readonly ms: readonly number[]
    readonly sent: number
    readonly failed: number
  }>
}

function startLoad(server: RunningMillrace, key: string): Load {
  const shop = eventUrls(server.event, key)
  const ms: number[] = []
  const over = new AbortController()
  let [sent, failed, n] = [0, 0, 0]
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const events = Array.from({ length: BATCH }, () => {
        n++
        if (n % 10 === 0) return itemEvent('$set', `new${n % 500}`, { price: n })
        return action('purchase', `user${n % 5000}`, `new${n % 500}`)
      })
      const { status } = await send('POST', shop.batch, events)
      if (status === 200) sent += events.length
      else failed++
      const started = performance.now()
      await send('POST', shop.events, action('purchase', `user${n % 5000}`, `new${n % 500}`))
      ms.push(performance.now() - started)
      sent++
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
  const running = run()
  return {
    stop: async () => {
      over.abort()
      await running
      return { ms, sent, failed }
    },
  }
}

export async function run(report: Report): Promise<void> {
  await withBenchFolder(async (folder, ends) => {
    const data = join(folder, 'data')
    const input = join(folder, 'shop.jsonl')
    await writeShop(input, ['--events', String(EVENTS_MIN)])
    const { accessKey } = await millraceJson<{ accessKey: string }>([
      ...['app', 'new', 'shop', '--data', data],
    ])
    const server = await startMillrace(data, ends)
    await millraceJson(['import', '--app', 'shop', '--input', input, '--data', data])
    await operate(data, 'sync')
    for (const flags of [[], ['--switch']]) {
      const memory = memoryMb('RssAnon', server.pid)
      let memoryMax = memory
      const watch = setInterval(() => {
        memoryMax = Math.max(memoryMax, memoryMb('RssAnon', server.pid))
      }, 200)
      const cpu = cpuMs(server.pid)
      const load = startLoad(server, accessKey)
      const replayed = await millraceJson<Replayed>(['replay', ...flags, '--data', data])
      const { ms, sent, failed } = await load.stop()
      clearInterval(watch)
      const { seconds, events, records, differences, pausedMs } = replayed
      const read = records.fromArchive + records.fromLog
      const how =
        pausedMs === null ? 'compare' : `switch, sink still for ${Math.round(pausedMs)} ms`
      report.add({
        name: `replay of 1 M events, ${how}`,
        value: `${seconds.toFixed(1)} s, ${Math.round(read / seconds)} records/s, ${differences.total} differ`,
        cost: `${(((cpuMs(server.pid) - cpu) * 1000) / read).toFixed(1)} µs CPU a record`,
        target: '0 differences',
        reached: differences.total === 0 && events >= EVENTS_MIN * 0.9 && failed === 0,
      })
      report.add({
        name: '  under load meanwhile',
        value: `${sent} events, one in p50 ${percentile(ms, 0.5).toFixed(1)}, p99 ${percentile(ms, 0.99).toFixed(0)} ms`,
        cost: `+${memoryMax - memory} MB memory`,
        target: 'p50 <= 20 ms, +150 MB',
        reached: percentile(ms, 0.5) <= 20 && memoryMax - memory <= 150,
      })
    }
    await server.stop()
  })
}
