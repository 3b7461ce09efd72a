// What the archive costs: writing (decoding the log's bytes and spooling them into ranges, as the sink does) and reading
// the columns of a training, on one thread.
//
//   node test/bench/archive.ts [events, default 2,000,000]
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { decodeRecord, encodeRecord } from '#schemas/codec'
import { createIdSource } from '#schemas/ids'
import type { Placed } from '#schemas/record'
import { createArchive } from '../../infra/archive/archive.ts'
import { openFolderFiles } from '../../infra/embedded/folder-files.ts'
import { RANGE_BYTES } from '../../streams/archive-sink.ts'
import { createRandom } from '../support/random.ts'
import { viewOf } from '../support/stream-records.ts'
import { cpuMs, memoryMb } from './process-figures.ts'

const BATCH = 3000

/** Shop-like events: skewed items, many users, server-made ids. */
function createEvents(seed: number): (count: number, time: number) => Buffer[] {
  const random = createRandom(seed)
  const id = createIdSource()
  return (count, time) =>
    Array.from({ length: count }, () => {
      const item = Math.floor(random.next() ** 3 * 20_000)
      return encodeRecord(
        viewOf(`i-${item}`, {
          eventId: id(time),
          event: random.pick(['purchase', 'view', 'view', 'view', 'add-to-cart']),
          entityId: `u-${random.below(150_000)}`,
          eventTime: time - random.below(1e9),
          creationTime: time,
        }),
      )
    })
}

async function main(events: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-archive-'))
  const files = await openFolderFiles({ root: folder })
  const archive = createArchive({ files, telemetry: silentTelemetry, clock: systemClock })
  const make = createEvents(1)
  let decodeMs = 0
  let writeMs = 0
  let range = await archive.openRange(0, 0)
  for (let offset = 0; offset < events; ) {
    const values = make(Math.min(BATCH, events - offset), 1_700_000_000_000 + offset)
    let from = performance.now()
    const records = values.map(
      (value, i): Placed => ({
        generation: 0,
        partition: 0,
        offset: offset + i,
        record: decodeRecord(value),
      }),
    )
    decodeMs += performance.now() - from
    from = performance.now()
    await range.append(records)
    offset += records.length
    if (range.bytes >= RANGE_BYTES || offset === events) {
      await range.close(offset)
      if (offset < events) range = await archive.openRange(0, offset)
    }
    writeMs += performance.now() - from
  }
  const perEvent = (ms: number): string => `${((ms * 1000) / events).toFixed(2)} µs an event`
  const ranges = await archive.ranges()
  const bytes = ranges.flatMap((r) => r.files).reduce((sum, file) => sum + file.bytes, 0)
  console.log(`decode ${perEvent(decodeMs)}, write ${perEvent(writeMs)} (wall, one thread)`)
  console.log(`${ranges.length} ranges, ${(bytes / events).toFixed(1)} bytes an event`)

  const columns = [
    'entityType',
    'entityId',
    'event',
    'targetEntityType',
    'targetEntityId',
    'eventTime',
  ] as const
  for (let run = 0; run < 2; run++) {
    const cpu = cpuMs()
    const from = performance.now()
    let rows = 0
    const upTo = { generation: 0, offsets: [events] }
    for await (const batch of archive.columns({ app: 1, channel: 0, upTo, columns }))
      rows += batch.rows
    const seconds = (performance.now() - from) / 1000
    console.log(
      `columns: ${rows} rows in ${seconds.toFixed(2)} s, ${((cpuMs() - cpu) / 1000).toFixed(2)} CPU-s, ` +
        `RSS ${memoryMb('VmHWM')} MB at most`,
    )
  }
  await files.close()
  await rm(folder, { recursive: true, force: true })
}

if (import.meta.main) await main(Number(process.argv[2] ?? 2_000_000))
