// The event store over HBase with everything else embedded: kills of the platform, and of HBase under it.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { killRounds } from '../support/kill-rounds.ts'
import { createLedger } from '../support/ledger.ts'
import { millrace, millraceJson, placeOf, startMillrace } from '../support/millrace-process.ts'
import { ownCluster } from '../support/own-cluster.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { clusterUrl } from '../support/test-cluster.ts'

async function configOn(t: TestContext, store: string): Promise<string> {
  const folder = await temporaryFolder(t)
  const config = join(folder, 'millrace.toml')
  const settings = { data: join(folder, 'data'), prefix: `test-${randomUUID().slice(0, 8)}`, store }
  const lines = Object.entries(settings).map(([key, value]) => `${key} = "${value}"\n`)
  await writeFile(config, lines.join(''))
  return config
}

test('hbase: rounds of kill -9 of the platform lose nothing and double nothing', async (t) => {
  const config = await configOn(t, clusterUrl('store'))
  const report = await killRounds({ data: config, rounds: 5, ends: t })
  const { lost, twice, undead, invented, exit, acknowledged, deleted, stored } = report
  assert.deepEqual([lost, twice, undead, invented, exit], [[], [], [], [], 0])
  assert.ok(acknowledged > 100, `only ${acknowledged} acknowledged`)
  t.diagnostic(
    `${acknowledged} acknowledged, ${deleted} deleted, ${stored} stored, 0 lost, 0 twice`,
  )
})

test('hbase: killed under load and started again, it loses nothing; events are accepted all the while', async (t) => {
  const cluster = await ownCluster(t)
  const { config: file, processes } = await cluster.up('hbase')
  const url = /store = "(.*)"/.exec(await readFile(file, 'utf8'))?.[1] ?? ''
  const config = await configOn(t, url)
  const create = ['app', 'new', 'shop', ...placeOf(config)]
  const { accessKey } = await millraceJson<{ accessKey: string }>(create)
  const server = await startMillrace(config, t)
  const ledger = createLedger(accessKey)
  const over = new AbortController()
  const load = ledger.load(server.event, over.signal)
  await sleep(2000)
  const pid = processes.find(({ name }) => name === 'hbase')?.pid ?? 0
  process.kill(pid, 'SIGKILL')
  const before = ledger.acknowledged.size
  await sleep(2000)
  assert.ok(ledger.acknowledged.size > before, 'events are accepted while the store is away')
  const died = await millrace(cluster.on('status'))
  assert.notEqual(died.code, 0)
  await cluster.up('hbase')
  await sleep(2000)
  over.abort()
  await load
  t.diagnostic(await until200(() => ledger.check(server.event)))
  assert.equal(await server.stop(), 0)
})

test('hbase: a wrong address is told at the start, with the port and the address', async (t) => {
  const config = await configOn(t, 'hbase://127.0.0.1:1')
  const { code, stderr } = await millrace(['status', ...placeOf(config)])
  assert.equal(code, 1)
  assert.match(
    stderr,
    /server of the store \(127\.0\.0\.1:1\) cannot be reached[\s\S]*SERVER_UNREACHABLE/,
  )
})

/** Reads wait for the store at most 5 s, then answer 503: asked again until the sink has caught up. */
async function until200<T>(check: () => Promise<T>, ms = 180_000): Promise<T> {
  const deadline = performance.now() + ms
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(1000)
    }
  }
}
