// Figures over the real servers, all on this machine with the load: a cluster of its own, the platform in one process. The
// CPU of each process stands beside its figure.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '../../infra/cli/quickstart/http.ts'
import { action, eventUrls, send } from '../support/http-client.ts'
import {
  millraceJson,
  placeOf,
  type RunningMillrace,
  startMillrace,
} from '../support/millrace-process.ts'
import { ownCluster } from '../support/own-cluster.ts'
import { operate } from './admin.ts'
import { withBenchFolder } from './bench-folder.ts'
import { cpuMs, percentile } from './process-figures.ts'
import type { Report } from './report.ts'
import { writeShop } from './shop-file.ts'
import { load } from './wrk.ts'

const ITEMS = 100_000
const EVENTS = 1_000_000
const USERS = 200
const HISTORY = 100
const ROUNDS = 300

const ENGINE = {
  id: 'shop',
  engineFactory: 'universal',
  datasource: { params: { appName: 'shop' } },
  algorithms: [{ name: 'ur', params: { indicators: [{ name: 'view' }, { name: 'purchase' }] } }],
}

const VIEW = `string.format('{"event":"view","entityType":"user","entityId":"user-%d","targetEntityType":"item","targetEntityId":"item-%d","eventTime":"2026-11-02T10:20:30.123Z"}', math.random(1, 50000), math.random(1, 10000))`

interface Bench {
  readonly report: Report
  readonly folder: string
  readonly config: string
  readonly data: string
  readonly accessKey: string
  readonly server: RunningMillrace
  /** CPU so far of each process, milliseconds. */
  cpu(): Readonly<Record<string, number>>
}

export async function run(report: Report): Promise<void> {
  await withBenchFolder(async (folder, ends) => {
    const cluster = await ownCluster(ends)
    const { config, processes } = await cluster.up('redis,kafka,elasticsearch,hbase')
    const create = ['app', 'new', 'shop', ...placeOf(config)]
    const { accessKey } = await millraceJson<{ accessKey: string }>(create)
    const server = await startMillrace(config, ends)
    const pids = new Map(processes.map(({ name, pid }) => [name, pid ?? 0]))
    pids.set('millrace', server.pid)
    const cpu = () => Object.fromEntries([...pids].map(([name, pid]) => [name, cpuMs(pid)]))
    const data = join(cluster.folder, 'data')
    const bench = { report, folder, config, data, accessKey, server, cpu }
    await sinks(bench)
    await model(bench)
    await queries(bench)
    await fresh(bench)
    await posts(bench)
  })
}

/** What each process used of it, per operation. */
function costs(bench: Bench, before: Readonly<Record<string, number>>, operations: number): string {
  return Object.entries(bench.cpu())
    .map(([name, ms]) => ({ name, micros: ((ms - (before[name] ?? 0)) * 1000) / operations }))
    .filter(({ micros }) => micros >= 1)
    .map(({ name, micros }) => `${name} ${micros.toFixed(0)}`)
    .join(', ')
    .concat(' µs CPU')
}

/** A million events of a shop through Kafka to HBase, Elasticsearch and the archive. */
async function sinks(bench: Bench): Promise<void> {
  const { report, folder, config, data } = bench
  const input = join(folder, 'shop.jsonl')
  const shop = ['--events', `${EVENTS}`, '--items', `${ITEMS}`, '--users', '20000']
  await writeShop(input, shop)
  const before = bench.cpu()
  const started = performance.now()
  await millraceJson(['import', '--app', 'shop', '--input', input, ...placeOf(config)])
  await operate(data, 'sync')
  const rate = ((EVENTS + ITEMS) * 1000) / (performance.now() - started)
  report.add({
    name: 'sinks: Kafka to HBase and index',
    value: `${rate.toFixed(0)} events/s until applied`,
    cost: costs(bench, before, EVENTS + ITEMS),
    target: '>= 4000',
    reached: rate >= 4000,
  })
}

async function model(bench: Bench): Promise<void> {
  const { report, folder, config } = bench
  const variant = join(folder, 'engine.json')
  await writeFile(variant, JSON.stringify(ENGINE))
  const before = bench.cpu()
  const train = ['train', '--variant', variant, ...placeOf(config)]
  const { seconds } = await millraceJson<{ seconds: number }>(train)
  report.add({
    name: `train and publish ${ITEMS} items`,
    value: `${seconds.toFixed(1)} s until live`,
    cost: costs(bench, before, ITEMS),
    target: 'told',
    reached: true,
  })
}

async function queries(bench: Bench): Promise<void> {
  const { report, folder, data, server, accessKey } = bench
  const popular = await send('POST', `${server.query}/queries.json`, { num: 1000 })
  const items = (popular.json as { itemScores: { item: string }[] }).itemScores.map((s) => s.item)
  for (let user = 0; user < USERS; user++) {
    for (const half of [0, 1]) {
      const events = Array.from({ length: HISTORY / 2 }, (_, i) => {
        const share = ((user * 7919 + (i + half * 50) * 104_729) % 10_007) / 10_007
        return action('view', `bench-${user}`, items[Math.floor(share * items.length)] ?? '')
      })
      await send('POST', eventUrls(server.event, accessKey).batch, events)
    }
  }
  await operate(data, 'sync')
  const body = `return string.format('{"user":"bench-%d","num":20}', math.random(0, ${USERS - 1}))`
  const one = { folder, url: server.query, path: '/queries.json', connections: 1, body }
  // The server compiles what is hot only after some thousand queries.
  await load({ ...one, connections: 4, seconds: 30 })
  const before = bench.cpu()
  const { requests, perSecond, p50Ms, p99Ms, errors } = await load({ ...one, seconds: 10 })
  report.add({
    name: 'query over HBase and Elasticsearch',
    value: `${perSecond.toFixed(0)} /s, p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms`,
    cost: costs(bench, before, requests),
    target: `p50 < 25, p99 < 80 ms; ${errors} errors`,
    reached: p50Ms < 25 && p99Ms < 80 && errors === 0,
  })
}

/** From the acknowledgement of a user's event to the first changed answer. */
async function fresh(bench: Bench): Promise<void> {
  const { report, server, accessKey } = bench
  const client = createClient()
  const ask = async (user: string): Promise<string> =>
    JSON.stringify((await client.post(`${server.query}/queries.json`, { user })).body)
  const post = `${server.event}/events.json?accessKey=${accessKey}`
  const { body } = await client.post(`${server.query}/queries.json`, { num: 50 })
  const items = (body as { itemScores: { item: string }[] }).itemScores.map((s) => s.item)
  const times: number[] = []
  const cpuBefore = bench.cpu()
  for (let round = 0; round < ROUNDS; round++) {
    const user = `fresh-${round}`
    const before = await ask(user)
    await client.post(post, action('view', user, items[round % items.length] ?? ''))
    const acknowledged = performance.now()
    while ((await ask(user)) === before) {
      if (performance.now() - acknowledged > 5000) throw new Error('an event had no effect')
    }
    times.push(performance.now() - acknowledged)
  }
  client.close()
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
  report.add({
    name: 'acknowledgement to changed answer',
    value: `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms`,
    cost: costs(bench, cpuBefore, ROUNDS),
    target: 'p50 < 40, p99 < 150 ms',
    reached: p50 < 40 && p99 < 150,
  })
}

async function posts(bench: Bench): Promise<void> {
  const { report, folder, server, accessKey, data } = bench
  const path = `/events.json?accessKey=${accessKey}`
  const one = { folder, url: server.event, path, connections: 64, body: `return ${VIEW}` }
  await load({ ...one, seconds: 3 })
  const before = bench.cpu()
  const { requests, perSecond, p50Ms, p99Ms, errors } = await load({ ...one, seconds: 10 })
  const cost = costs(bench, before, requests)
  const loaded = performance.now()
  await operate(data, 'sync')
  const drained = (performance.now() - loaded) / 1000
  report.add({
    name: 'single posts, all sinks behind',
    value: `${perSecond.toFixed(0)} /s, p50 ${p50Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms`,
    cost: `${cost}; drained ${drained.toFixed(1)} s later`,
    target: `>= 5000; ${errors} errors`,
    reached: perSecond >= 5000 && errors === 0,
  })
}
