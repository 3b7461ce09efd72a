// The platform with its job queue on Redis, and everything else embedded: Redis killed, and flushed when it is back.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { TICK_MS } from '../../batch/scheduler.ts'
import { isAlive } from '../../infra/wiring/owner.ts'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { ownCluster } from '../support/own-cluster.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { until } from '../support/until.ts'

const ENGINE = shopEngine()
const EVENTS = 20
/** The schedules are looked at once in this time; the rest is for the training, on a busy machine. */
const DUE_MS = TICK_MS + 30_000

interface Status {
  readonly parts: readonly {
    readonly name: string
    readonly status: string
    readonly hint?: string
  }[]
}

test('redis: while it is away events and queries go on; after a flush the schedules are back within a minute', async (t) => {
  const cluster = await ownCluster(t)
  const [redis] = (await cluster.up('redis')).processes
  assert.ok(redis?.pid)
  const toml = join(cluster.folder, 'millrace.toml')
  const engineFile = join(cluster.folder, 'engine.json')
  await writeFile(engineFile, JSON.stringify(ENGINE))
  const on = (...args: string[]): string[] => [...args, '--config', toml]
  const activeVersion = async (): Promise<string | null> =>
    (await millraceJson<{ activeVersion: string | null }>(on('engine', 'show', 'shop')))
      .activeVersion

  const platform = await startMillrace(toml, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>(on('app', 'new', 'shop'))
  await millraceJson(on('engine', 'add', engineFile))
  await millraceJson(on('engine', 'schedule', 'shop', '--after-events', String(EVENTS)))
  const shop = eventUrls(platform.event, accessKey)
  let sent = 0
  const sendEvents = async (): Promise<void> => {
    const events = Array.from({ length: EVENTS }, () => {
      sent++
      return action('buy', `u${sent % 5}`, `i${sent % 4}`)
    })
    const { status, json } = await send('POST', shop.batch, events)
    assert.equal(status, 200)
    assert.ok((json as { status: number }[]).every((one) => one.status === 201))
  }
  await sendEvents()
  await until(async () => (await activeVersion()) !== null, DUE_MS)
  const first = await activeVersion()

  process.kill(redis.pid, 'SIGKILL')
  await until(() => !isAlive(redis.pid ?? 0))
  await sendEvents()
  const { code, stdout } = await millrace([...on('status'), '--json'])
  assert.equal(code, 1)
  const queue = (JSON.parse(stdout) as Status).parts.find(({ name }) => name === 'queue')
  assert.equal(queue?.status, 'failed')
  assert.match(queue.hint ?? '', /"queue"/)
  const query = await send('POST', `${platform.query}/queries.json`, { user: 'u1' })
  assert.equal(query.status, 200)
  assert.equal((await send('GET', `${platform.console}/ready`)).status, 200)

  const [again] = (await cluster.up('redis')).processes
  const admin = new Redis(again?.address ?? '')
  await admin.flushall()
  admin.disconnect()
  await until(async () => (await activeVersion()) !== first, DUE_MS)
  assert.equal((await millrace(on('status'))).code, 0)
  const stored = (await send('GET', `${shop.events}&limit=-1`)).json as unknown[]
  assert.equal(stored.length, sent)
  t.diagnostic(`${sent} acknowledged, ${stored.length} stored, 0 lost, 0 twice`)
  assert.equal(await platform.stop(), 0)
})
