// The log read by other threads while it is written, while its map grows, and when such a thread is ended in a wait.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { openLogs } from '../../infra/embedded/logs.ts'
import type { LogThreadData, LogThreadReport } from '../support/log-thread.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const COUNT = 3000
const script = new URL('../support/log-thread.ts', import.meta.url)

test('log: other threads read every record, in order, as the log grows', async (t) => {
  const path = await temporaryFolder(t)
  // A small first map, so that it has to grow under the readers.
  const options = { path, clock: systemClock, telemetry: silentTelemetry, mapSize: 512 * 1024 }
  const logs = await openLogs(options)
  t.after(() => logs.close())
  const start = (count: number): Worker =>
    new Worker(script, { workerData: { share: logs.share(), count } satisfies LogThreadData })
  const readers = [start(COUNT), start(COUNT)]
  const waiting = start(COUNT + 1)
  await Promise.all([...readers, waiting].map((reader) => once(reader, 'message')))
  const reports = readers.map((reader) => once(reader, 'message'))
  const text = (i: number): string => `${i}/`.padEnd(i % 10 === 0 ? 10_000 : 100, 'x')
  for (let i = 0; i < COUNT; ) {
    const appends: Promise<unknown>[] = []
    for (let n = 0; n < 20; n++, i++) appends.push(logs.events.append(0, [Buffer.from(text(i))]))
    await Promise.all(appends)
  }
  for (const report of reports) {
    const [{ values }] = (await report) as [LogThreadReport]
    assert.equal(values.length, COUNT)
    for (let i = 0; i < COUNT; i++) assert.equal(values[i], text(i))
  }
  await waiting.terminate()
  await logs.events.append(0, [Buffer.from('more')])
  assert.equal(await logs.events.end(0), COUNT + 1)
})
