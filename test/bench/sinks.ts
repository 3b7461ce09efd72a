// The sinks alone, over the embedded ports and without HTTP: how long after its acknowledgement an event has taken effect,
// and what a bulk of events costs until every sink has it.
//
//   node test/bench/sinks.ts [events of the bulk, default 500,000]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock as clock } from '#ports/clock'
import { silentTelemetry as telemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import type { LogRecord } from '#schemas/record'
import { openDirectory } from '../../infra/embedded/directory.ts'
import { openEventStore } from '../../infra/embedded/event-store.ts'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { openLogs } from '../../infra/embedded/logs.ts'
import { withSource } from '../../infra/wiring/log-source.ts'
import { startStreams } from '../../infra/wiring/streams-host.ts'
import { createRandom } from '../support/random.ts'
import { encoded, setItem, viewOf } from '../support/stream-records.ts'
import { cpuMs, memoryMb, percentile } from './process-figures.ts'

const SINGLES = 2000
const BATCH = 2000

async function main(events: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-sinks-'))
  const path = (name: string): string => join(folder, name)
  const ids = createIdSource()
  const logs = withSource(await openLogs({ path: path('log'), clock, telemetry }))
  const { control } = logs
  const secretFile = path('secret')
  const directory = await openDirectory({ control, secretFile, clock, telemetry, ids })
  const storePlace = { url: 'lmdb:', prefix: '', path: path('store') }
  const store = await openEventStore({ path: storePlace.path })
  const index = createItemIndex({ telemetry })
  const filesPlace = { url: 'file:', data: folder }
  const streams = await startStreams({
    logs,
    storePlace,
    filesPlace,
    store,
    index,
    directory,
    telemetry,
    clock,
  })
  const append = async (records: readonly LogRecord[]) => {
    const { offset } = await logs.events.append(0, encoded(records))
    return { generation: 0, offsets: [offset + records.length] }
  }
  const random = createRandom(3)
  const view = (time: number): LogRecord =>
    viewOf(`i-${Math.floor(random.next() ** 3 * 20_000)}`, {
      eventId: ids(time),
      entityId: `u-${random.below(100_000)}`,
      eventTime: time,
      creationTime: time,
    })

  for (const [name, sink, make] of [
    ['event to store', 'store', (now: number) => view(now)],
    [
      '$set to index',
      'index',
      (now: number) =>
        setItem(`i-${random.below(1000)}`, { n: now }, { eventId: ids(now), eventTime: now }),
    ],
  ] as const) {
    const times: number[] = []
    for (let i = 0; i < SINGLES; i++) {
      const end = await append([make(clock.now())])
      const from = performance.now()
      await streams.watermarks.waitFor(sink, end, 10_000)
      times.push(performance.now() - from)
    }
    const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
    console.log(
      `${name}: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms after the acknowledgement`,
    )
  }

  const batches: LogRecord[][] = []
  for (let made = 0; made < events; made += BATCH) {
    batches.push(Array.from({ length: BATCH }, () => view(clock.now())))
  }
  const cpu = cpuMs()
  const from = performance.now()
  let end = { generation: 0, offsets: [0] }
  for (const batch of batches) end = await append(batch)
  const appended = performance.now()
  await streams.watermarks.waitFor('store', end, 600_000)
  await streams.watermarks.waitFor('index', end, 600_000)
  const stored = performance.now()
  await streams.archive.closeAt(end)
  const seconds = (performance.now() - from) / 1000
  const used = ((cpuMs() - cpu) * 1000) / events
  console.log(
    `bulk of ${events}: ${(events / seconds).toFixed(0)} events/s, ${used.toFixed(1)} µs CPU an event in all; ` +
      `log after ${((appended - from) / 1000).toFixed(2)} s, store and index ${((stored - from) / 1000).toFixed(2)} s, ` +
      `archive ${seconds.toFixed(2)} s; RssAnon ${memoryMb('RssAnon')} MB`,
  )
  for (const part of [streams, index, store, directory, logs]) await part.close()
  await rm(folder, { recursive: true, force: true })
}

if (import.meta.main) await main(Number(process.argv[2] ?? 500_000))
