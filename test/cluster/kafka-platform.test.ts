// The log over Kafka with everything else embedded: the platform's promises, end to end.
import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { KAFKA_URL, temporaryPrefix } from '../support/kafka.ts'
import { killRounds } from '../support/kill-rounds.ts'
import { millrace, millraceJson, placeOf, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const USERS = 40
const PORTS = ['--event-port', '0', '--query-port', '0', '--console-port', '0']

interface Place {
  readonly config: string
  readonly data: string
}

async function platformPlace(t: TestContext, log = KAFKA_URL): Promise<Place> {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const config = join(folder, 'millrace.toml')
  const lines = [['data', data], ['prefix', temporaryPrefix(t)] as const, ['log', log] as const]
  await writeFile(config, lines.map(([key, value]) => `${key} = "${value}"\n`).join(''))
  return { config, data }
}

const newApp = async (config: string): Promise<string> => {
  const args = ['app', 'new', 'shop', ...placeOf(config)]
  return (await millraceJson<{ accessKey: string }>(args)).accessKey
}

test('kafka: the quickstart goes from nothing to personal recommendations', async (t) => {
  const { config } = await platformPlace(t)
  const args = ['quickstart', '--exit', '--json', ...placeOf(config), ...PORTS]
  const { code, stdout, stderr } = await millrace(args)
  assert.equal(code, 0, stderr)
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>
  assert.equal(summary.events, 110_506)
  assert.match(stderr, /stands first because this user rated/)
  t.diagnostic(stdout.trim().split('\n').at(-1) ?? '')
})

test('kafka: rounds of kill -9 lose nothing and double nothing', async (t) => {
  const { config } = await platformPlace(t)
  const report = await killRounds({ data: config, rounds: 5, ends: t })
  const { lost, twice, undead, invented, exit, acknowledged, deleted, stored } = report
  assert.deepEqual([lost, twice, undead, invented, exit], [[], [], [], [], 0])
  assert.ok(acknowledged > 100, `only ${acknowledged} acknowledged`)
  t.diagnostic(
    `${acknowledged} acknowledged, ${deleted} deleted, ${stored} stored, 0 lost, 0 twice`,
  )
})

test('kafka: reads see what was acknowledged before, in every partition', async (t) => {
  const { config } = await platformPlace(t)
  const key = await newApp(config)
  const server = await startMillrace(config, t)
  const urls = eventUrls(server.event, key)
  const partitions = new Set<string>()
  for (let user = 0; user < USERS; user++) {
    const posted = await send('POST', urls.events, action('buy', `u${user}`, `i${user}`))
    assert.equal(posted.status, 201)
    const { eventId } = posted.json as { eventId: string }
    partitions.add(posted.headers.get('millrace-position')?.split('/')[1] ?? '')
    assert.equal((await send('GET', urls.event(eventId))).status, 200)
    const ofUser = await send('GET', `${urls.events}&entityType=user&entityId=u${user}`)
    assert.equal((ofUser.json as unknown[]).length, 1)
    if (user % 2 === 0) continue
    assert.equal((await send('DELETE', urls.event(eventId))).status, 200)
    assert.equal((await send('GET', urls.event(eventId))).status, 404)
  }
  assert.ok(partitions.size > 8, `only ${partitions.size} partitions were used`)
  const all = await send('GET', `${urls.events}&limit=-1`)
  assert.equal((all.json as unknown[]).length, USERS / 2)
  const status = await millraceJson<{
    log: { end: number }
    parts: { name: string; detail: string; hint?: string }[]
  }>(['status', ...placeOf(config)])
  assert.equal(status.log.end, USERS * 1.5)
  const log = status.parts.find(({ name }) => name === 'log')
  assert.match(log?.detail ?? '', /12 partitions, 1 replica, min\.insync\.replicas 1\./)
  assert.match(log?.hint ?? '', /keep 3 replicas, with min\.insync\.replicas 2/)
})

test('kafka: a lost store and archive are made again from the log', async (t) => {
  const { config, data } = await platformPlace(t)
  const key = await newApp(config)
  const first = await startMillrace(config, t)
  const firstUrls = eventUrls(first.event, key)
  for (let user = 0; user < USERS; user++) {
    const bought = action('buy', `u${user}`, `i${user % 7}`, { eventId: `e${user}` })
    await send('POST', firstUrls.events, bought)
  }
  await send('DELETE', firstUrls.event('e3'))
  const before = await send('GET', `${firstUrls.events}&limit=-1`)
  assert.equal(await first.stop(), 0)
  for (const part of ['store', 'files']) await rm(join(data, part), { recursive: true })
  const second = await startMillrace(config, t)
  const after = await send('GET', `${eventUrls(second.event, key).events}&limit=-1`)
  assert.equal((after.json as unknown[]).length, USERS - 1)
  assert.deepEqual(after.json, before.json)
  assert.equal(await second.stop(), 0)
})

test('kafka: a start without a broker names the port, the address and the mend', async (t) => {
  const { config } = await platformPlace(t, 'kafka://127.0.0.1:1')
  const { code, stderr } = await millrace(['start', ...placeOf(config), ...PORTS])
  assert.equal(code, 1)
  assert.match(stderr, /SERVER_UNREACHABLE/)
  assert.match(stderr, /the log \(127\.0\.0\.1:1\)/)
  assert.match(stderr, /cluster up/)
})
