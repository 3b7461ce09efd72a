// The broker is killed while events are appended and while they are consumed, again and again.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { openKafkaLogs } from '../../infra/kafka/logs.ts'
import { createLedger } from '../support/ledger.ts'
import { millraceJson, placeOf, startMillrace } from '../support/millrace-process.ts'
import { type OwnBroker, startOwnBroker } from '../support/own-broker.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const KILLS = 3
const UP_MS = 2_000
const AWAY_MS = 1_000

/** Kills the broker a few times, with some seconds of work before each and behind the last. */
async function killRepeatedly(broker: OwnBroker): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(UP_MS)
    broker.kill()
    await sleep(AWAY_MS)
    await broker.restart()
  }
  await sleep(UP_MS)
}

test(`kafka: ${KILLS} kills of the broker under appends: all stand in the log once, in order`, async (t) => {
  const broker = await startOwnBroker(t)
  const clock = systemClock
  const options = { prefix: 'kill', clock, telemetry: silentTelemetry }
  const logs = await openKafkaLogs({ ...options, url: `${broker.url}?partitions=3` })
  t.after(() => logs.close())
  const { events } = logs
  let killing = true
  let appending = true
  const acknowledged: string[][] = [[], [], []]
  const appender = async (partition: number): Promise<void> => {
    for (let i = 0; killing; i++) {
      const { offset } = await events.append(partition, [Buffer.from(`${partition}-${i}`)])
      assert.equal(offset, i)
      acknowledged[partition]?.push(`${partition}-${i}`)
    }
  }
  const consumed: string[][] = [[], [], []]
  const consumer = async (partition: number): Promise<void> => {
    for (let next = 0; appending || next < (acknowledged[partition]?.length ?? 0); ) {
      try {
        await events.waitFor(partition, next, AbortSignal.timeout(1000))
        const batch = await events.read(partition, next, 64 * 1024)
        for (const { value } of batch.records) consumed[partition]?.push(String(value))
        next = batch.next
      } catch {
        await sleep(100) // the broker is away
      }
    }
  }
  const appenders = [0, 1, 2].map(appender)
  const consumers = [0, 1, 2].map(consumer)
  await killRepeatedly(broker)
  killing = false
  // The last append of each is acknowledged before its reader may stop.
  await Promise.all(appenders)
  appending = false
  await Promise.all(consumers)
  assert.deepEqual(consumed, acknowledged)
  const all = acknowledged.reduce((sum, some) => sum + some.length, 0)
  const stored = (await Promise.all([0, 1, 2].map((p) => events.end(p)))).reduce((a, b) => a + b)
  assert.equal(stored, all)
  assert.ok(all > 100, `only ${all} appended`)
  t.diagnostic(`${all} acknowledged, ${stored} in the log, 0 lost, 0 twice, in order`)
})

test(`kafka: ${KILLS} kills of the broker under a platform: lost 0, twice 0`, async (t) => {
  const broker = await startOwnBroker(t)
  const folder = await temporaryFolder(t)
  const config = join(folder, 'millrace.toml')
  await writeFile(config, `data = "${join(folder, 'data')}"\nlog = "${broker.url}"\n`)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop'],
    ...placeOf(config),
  ])
  const server = await startMillrace(config, t)
  const ledger = createLedger(accessKey)
  const over = new AbortController()
  const load = ledger.load(server.event, over.signal)
  await killRepeatedly(broker)
  over.abort()
  await load
  t.diagnostic(`${await ledger.check(server.event)}; ${ledger.refused} refused and sent again`)
  assert.ok(ledger.acknowledged.size > 100, `only ${ledger.acknowledged.size} acknowledged`)
  assert.equal(await server.stop(), 0)
})
