import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Archive } from '#ports/archive'
import { MillraceError } from '#ports/errors'
import { silentTelemetry } from '#ports/telemetry'
import type { Watermark } from '#schemas/position'
import type { ArchivedRecord, LogRecord, Placed } from '#schemas/record'
import { createArchive } from '../../infra/archive/archive.ts'
import { createArchiveSink, RANGE_MS } from '../../streams/archive-sink.ts'
import { runPipeline } from '../../streams/pipeline.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryFiles } from '../support/memory/files.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { encoded, viewOf } from '../support/stream-records.ts'

const views = (from: number, count: number) =>
  encoded(
    Array.from({ length: count }, (_, i) => viewOf(`i${from + i}`, { eventId: `e${from + i}` })),
  )

const barrier: LogRecord = {
  kind: 'barrier',
  appendId: 'v1',
  app: 1,
  engineId: 'shop',
  versionId: 'v1',
  creationTime: 0,
}

const at = (...offsets: number[]): Watermark => ({ generation: 0, offsets })

const until = async (done: () => boolean): Promise<void> => {
  for (let i = 0; i < 10_000 && !done(); i++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(done(), 'it did not come to pass')
}

interface Given {
  readonly partitions?: number
  readonly rangeBytes?: number
  readonly wrap?: (archive: Archive) => Archive
}

/** A log, an archive and any number of sinks between them. */
function given({ partitions = 1, rangeBytes, wrap = (archive) => archive }: Given = {}) {
  const clock = createManualClock()
  const log = createMemoryLog({ partitions })
  const archive = createArchive({ files: createMemoryFiles(), telemetry: silentTelemetry, clock })
  const start = () => {
    const stop = new AbortController()
    const drain = new AbortController()
    const seen = { published: at(), applied: at() }
    const sink = createArchiveSink({
      archive: wrap(archive),
      partitions,
      generation: 0,
      clock,
      onPublished: (published) => {
        seen.published = published
      },
      ...(rangeBytes === undefined ? {} : { rangeBytes }),
    })
    const end = runPipeline({
      sink,
      log,
      clock,
      telemetry: silentTelemetry,
      signal: stop.signal,
      drain: drain.signal,
      deadLetter: async () => {},
      onApplied: ({ applied }) => {
        seen.applied = applied
      },
      batchBytes: 2000,
    })
    const finish = (): Promise<unknown> => {
      stop.abort()
      return end
    }
    const drained = (): Promise<unknown> => {
      drain.abort()
      return end
    }
    return { sink, seen, finish, drained }
  }
  const archived = async (partition = 0): Promise<number[]> => {
    const offsets: number[] = []
    for await (const batch of archive.records(partition, 0)) {
      offsets.push(...batch.map(({ offset }: Placed<ArchivedRecord>) => offset))
    }
    return offsets
  }
  return { clock, log, archive, start, archived }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('archive sink', () => {
  it('closes at once what is asked for, and only then', async () => {
    const { log, archive, start, archived } = given()
    await log.append(0, views(0, 30))
    const { sink, seen, finish } = start()
    await until(() => seen.applied.offsets[0] === 30)
    assert.deepEqual(seen.published, at(0))
    await sink.closeAt(at(30))
    assert.deepEqual(seen.published, at(30))
    assert.deepEqual(await archived(), numbers(30))
    await sink.closeAt(at(30))
    assert.equal((await archive.ranges()).length, 1, 'nothing new: no new range')
    await finish()
  })

  it('closes its range at the barrier of a training, whoever placed it', async () => {
    const { log, archive, start, archived } = given()
    await log.append(0, [...views(0, 3), ...encoded([barrier])])
    const { seen, finish } = start()
    await until(() => seen.published.offsets[0] === 4)
    await log.append(0, views(4, 2))
    await until(() => seen.applied.offsets[0] === 6)
    assert.deepEqual(seen.published, at(4), 'the range behind it stays open')
    assert.deepEqual(await archived(), numbers(4))
    assert.equal((await archive.ranges()).length, 1)
    await finish()
  })

  it('waits for a place that is not in the log yet', async () => {
    const { log, start, archived } = given()
    const { sink, finish } = start()
    const closing = sink.closeAt(at(12))
    await log.append(0, views(0, 10))
    let closed = false
    void closing.then(() => {
      closed = true
    })
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(closed, false)
    await log.append(0, views(10, 5))
    await closing
    assert.ok((await archived()).length >= 12)
    await finish()
  })

  it('closes a range that is large', async () => {
    const { log, archive, start, archived } = given({ rangeBytes: 4000 })
    await log.append(0, views(0, 200))
    await start().drained()
    const ranges = await archive.ranges()
    assert.ok(ranges.length >= 2, `${ranges.length} ranges`)
    const published = await archived()
    assert.deepEqual(published, numbers(published.length))
  })

  it('closes a range that is an hour old, also when nothing arrives', async () => {
    const { log, clock, start } = given()
    const running = start()
    await log.append(0, views(0, 3))
    await until(() => running.seen.applied.offsets[0] === 3)
    await until(() => clock.sleeping === 1)
    clock.advance(RANGE_MS - 1)
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(running.seen.published, at(0))
    await until(() => clock.sleeping === 1)
    clock.advance(1)
    await until(() => running.seen.published.offsets[0] === 3)
    await running.finish()
  })

  it('goes on behind its last range after a restart', async () => {
    const { log, start, archived } = given()
    await log.append(0, views(0, 20))
    const first = start()
    await first.sink.closeAt(at(20))
    await log.append(0, views(20, 10))
    await until(() => first.seen.applied.offsets[0] === 30)
    await first.finish()
    assert.deepEqual(await archived(), numbers(20), 'a small open range is read again')
    const second = start()
    await second.sink.closeAt(at(30))
    assert.deepEqual(await archived(), numbers(30))
    await second.finish()
  })

  it('archives every partition', async () => {
    const { log, archive, start, archived } = given({ partitions: 3 })
    for (let p = 0; p < 2; p++) await log.append(p, views(0, 10 + p))
    const { sink, finish } = start()
    await sink.closeAt(at(10, 11, 0))
    assert.deepEqual(await archived(0), numbers(10))
    assert.deepEqual(await archived(1), numbers(11))
    assert.equal(await archive.end(2), 0)
    await finish()
  })

  it('shares the log with a second owner without a gap or a double', async () => {
    const { log, start, archived } = given({ rangeBytes: 3000 })
    await log.append(0, views(0, 300))
    const [a, b] = [start(), start()]
    await Promise.all([a.sink.closeAt(at(300)), b.sink.closeAt(at(300))])
    assert.deepEqual(await archived(), numbers(300))
    await a.finish()
    await b.finish()
  })

  it('publishes what somebody waits for when it stops, and refuses what comes later', async () => {
    const { log, start, archived } = given()
    await log.append(0, views(0, 5))
    const { sink, finish } = start()
    const [reached, ahead] = [sink.closeAt(at(5)), sink.closeAt(at(9))]
    const refused = assert.rejects(ahead, { code: 'SINK_STOPPED' })
    await reached
    await finish()
    await refused
    assert.deepEqual(await archived(), numbers(5))
    await sink.closeAt(at(5))
    await assert.rejects(sink.closeAt(at(6)), { code: 'SINK_STOPPED' })
  })

  it('reads the log again when a range was lost to a full disk', async () => {
    let full = true
    const { log, clock, start, archived } = given({
      wrap: (archive) => ({
        ...archive,
        openRange: async (partition, from) => {
          const range = await archive.openRange(partition, from)
          return {
            get bytes() {
              return range.bytes
            },
            start: range.start,
            append: (records) => range.append(records),
            abort: () => range.abort(),
            close: async (end) => {
              if (!full) return range.close(end)
              full = false
              throw new MillraceError('DISK_FULL')
            },
          }
        },
      }),
    })
    await log.append(0, views(0, 40))
    const { sink, finish } = start()
    const closing = sink.closeAt(at(40))
    await until(() => !full && clock.sleeping > 0)
    clock.advance(100)
    await closing
    assert.deepEqual(await archived(), numbers(40))
    await finish()
  })
})
