// Acknowledged posts with the log over Kafka and everything else embedded: `node test/bench/kafka-ingest.ts kafka://host:port [pid
// of the broker]`. Every sink is live; the time until store and index sinks have applied the end counts.
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { millraceJson, placeOf, startMillrace } from '../support/millrace-process.ts'
import { operate } from './admin.ts'
import { withBenchFolder } from './bench-folder.ts'
import { cpuMs } from './process-figures.ts'
import { load } from './wrk.ts'

const EVENT = `string.format('{"event":"view","entityType":"user","entityId":"user-%d","targetEntityType":"item","targetEntityId":"item-%d","properties":{"price":%d},"eventTime":"2026-11-02T10:20:30.123Z"}', math.random(1, 50000), math.random(1, 10000), math.random(1, 900))`

const SCENARIOS = [
  { name: 'single posts, 64 connections', path: '/events.json', connections: 64, events: 1 },
  { name: 'batches of 50, 8 connections', path: '/batch/events.json', connections: 8, events: 50 },
] as const

async function measure(
  url: string,
  broker: number | null,
  { name, path, connections, events }: (typeof SCENARIOS)[number],
): Promise<void> {
  await withBenchFolder(async (folder, ends) => {
    const data = join(folder, 'data')
    const config = join(folder, 'millrace.toml')
    const prefix = `bench-${randomUUID().slice(0, 8)}`
    await writeFile(config, `data = "${data}"\nprefix = "${prefix}"\nlog = "${url}"\n`)
    const app = ['app', 'new', 'shop', ...placeOf(config)]
    const { accessKey } = await millraceJson<{ accessKey: string }>(app)
    const server = await startMillrace(config, ends)
    const body =
      events === 1
        ? `return ${EVENT}`
        : `local t = {}; for i = 1, ${events} do t[i] = ${EVENT} end; return "[" .. table.concat(t, ",") .. "]"`
    const target = { folder, url: server.event, path: `${path}?accessKey=${accessKey}` }
    await load({ ...target, connections, body, seconds: 4 })
    await operate(data, 'sync')
    const before = [cpuMs(server.pid), broker === null ? 0 : cpuMs(broker)] as const
    const started = performance.now()
    const result = await load({ ...target, connections, body, seconds: 8 })
    await operate(data, 'sync')
    const seconds = (performance.now() - started) / 1000
    const stored = result.requests * events
    const micros = (after: number, first: number): string =>
      (((after - first) * 1000) / stored).toFixed(1)
    const costs = [`platform ${micros(cpuMs(server.pid), before[0])}`]
    if (broker !== null) costs.push(`broker ${micros(cpuMs(broker), before[1])}`)
    process.stdout.write(
      `${name}: ${Math.round(result.perSecond * events)} acknowledged/s, p50 ${result.p50Ms.toFixed(1)} ms, p99 ${result.p99Ms.toFixed(1)} ms, ${result.errors} errors; ${Math.round(stored / seconds)} events/s until applied; CPU µs an event: ${costs.join(', ')}\n`,
    )
  })
}

const [url, pid] = process.argv.slice(2)
if (url === undefined) throw new Error('name a broker: kafka://host:port')
for (const scenario of SCENARIOS)
  await measure(url, pid === undefined ? null : Number(pid), scenario)
