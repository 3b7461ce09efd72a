// The archive on a real HDFS of its own, whose servers are killed: after every fault its ranges are disjoint and without a gap, and
// it holds the log, event by event.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Archive } from '#ports/archive'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import { silentTelemetry } from '#ports/telemetry'
import { decodeRecord } from '#schemas/codec'
import { createArchive } from '../../../infra/archive/archive.ts'
import { openHdfsFiles } from '../../../infra/hdfs/files.ts'
import { createArchiveSink } from '../../../streams/archive-sink.ts'
import { runPipeline } from '../../../streams/pipeline.ts'
import { createMemoryLog, type MemoryLog } from '../../support/memory/log.ts'
import { ownCluster } from '../../support/own-cluster.ts'
import { encoded, viewOf } from '../../support/stream-records.ts'
import { until } from '../../support/until.ts'

const PARTITIONS = 2
const RANGE_BYTES = 40_000
const RECORDS_A_TURN = 5
const TURN_MS = 50
const PATIENCE_MS = 120_000

const cluster = await ownCluster({ after })
const { config } = await cluster.up('hdfs')
const url = /files = "(.*)"/.exec(await readFile(config, 'utf8'))?.[1] ?? ''

interface Given {
  readonly root: string
  readonly files: Files
  readonly log: MemoryLog
  readonly archive: Archive
}

async function given(name: string): Promise<Given> {
  const files = await openHdfsFiles(`${url}/${name}`, systemClock)
  const archive = createArchive({ files, telemetry: silentTelemetry, clock: systemClock })
  const log = createMemoryLog({ partitions: PARTITIONS })
  return { root: `${new URL(url).pathname}/${name}`, files, log, archive }
}

/** Appends events to both partitions until it is stopped; returns how many. */
function startFilling(log: MemoryLog): () => Promise<number> {
  let over = false
  let count = 0
  const filling = (async () => {
    for (; !over; await sleep(TURN_MS)) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const views = Array.from({ length: RECORDS_A_TURN }, () => {
          const eventId = `event-${count++}`
          return viewOf(`item-${count % 97}`, { eventId, properties: `{"n":${count}}` })
        })
        await log.append(partition, encoded(views))
      }
    }
  })()
  return async () => {
    over = true
    await filling
    return count
  }
}

interface RunningSink {
  /** Ends of what is published. */
  published(): readonly number[]
  /** The last thing that went wrong, while it does. */
  trouble(): MillraceError | null
  /** Failures of a batch so far. */
  readonly failures: number
  /** Publishes all that is in the log, then stops. */
  finish(log: MemoryLog): Promise<void>
  stop(): Promise<void>
}

function startSink({ log, files }: Given, batchBytes: number): RunningSink {
  const stop = new AbortController()
  let published: readonly number[] = []
  let trouble: MillraceError | null = null
  let failures = 0
  const sink = createArchiveSink({
    archive: createArchive({ files, telemetry: silentTelemetry, clock: systemClock }),
    partitions: PARTITIONS,
    generation: 0,
    clock: systemClock,
    rangeBytes: RANGE_BYTES,
    onPublished: ({ offsets }) => {
      published = offsets
    },
  })
  const end = runPipeline({
    ...{ sink, log, batchBytes, clock: systemClock, telemetry: silentTelemetry },
    signal: stop.signal,
    deadLetter: async () => assert.fail('the archive refuses nothing'),
    onApplied: () => {},
    onTrouble: (error) => {
      trouble = error
      if (error !== null) failures++
    },
  })
  return {
    published: () => published,
    trouble: () => trouble,
    get failures() {
      return failures
    },
    finish: async (log) => {
      const ends = Array.from({ length: PARTITIONS }, (_, partition) => log.end(partition))
      await sink.closeAt({ generation: 0, offsets: await Promise.all(ends) })
      stop.abort()
      await end
    },
    stop: async () => {
      stop.abort()
      await end
    },
  }
}

/** Waits until a sink has published this much more than now. */
async function publishes(sink: RunningSink, records: number): Promise<void> {
  const total = (): number => sink.published().reduce((sum, offset) => sum + offset, 0)
  const wanted = total() + records
  await until(() => total() >= wanted, PATIENCE_MS)
}

/** Ranges disjoint and without a gap; every record of the log in them, in order, and nothing else. Returns the counts as text. */
async function assertArchived({ archive, log }: Given): Promise<string> {
  const ranges = await archive.ranges()
  let archived = 0
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const its = ranges.filter((range) => range.partition === partition)
    assert.deepEqual(
      its.map(({ start }) => start),
      [0, ...its.slice(0, -1).map(({ end }) => end)],
      'a gap, or ranges one over the other',
    )
    const records: unknown[] = []
    for await (const some of archive.records(partition, 0)) {
      records.push(...some.map(({ offset, record }) => [offset, record]))
    }
    const inLog = log.valuesFrom(partition, 0).map((value, at) => [at, decodeRecord(value)])
    assert.deepEqual(records, inLog)
    archived += records.length
  }
  return `${archived} archived in ${ranges.length} ranges, lost 0, twice 0`
}

async function killAndRestart(name: string, awayMs: number): Promise<void> {
  const { processes } = await cluster.up('hdfs')
  process.kill(processes.find((one) => one.name === name)?.pid ?? 0, 'SIGKILL')
  await sleep(awayMs)
  await cluster.up('hdfs')
}

test('hdfs: DataNode and NameNode killed while the archive writes; its sink goes on with batches of another size', async (t) => {
  const place = await given('killed')
  const stopFilling = startFilling(place.log)
  const sink = startSink(place, 8000)
  await publishes(sink, 500)
  for (const name of ['hdfs-datanode', 'hdfs-namenode']) {
    await killAndRestart(name, 3000)
    await publishes(sink, 500)
  }
  await sink.stop()
  const other = startSink(place, 50_000)
  await publishes(other, 1000)
  const appended = await stopFilling()
  await other.finish(place.log)
  const counts = await assertArchived(place)
  t.diagnostic(`${appended} in the log, ${counts}, ${sink.failures} failures repeated`)
})

test('hdfs: of two archive sinks at once each range has one winner', async (t) => {
  const place = await given('two')
  const stopFilling = startFilling(place.log)
  const sinks = [startSink(place, 3000), startSink(place, 40_000)]
  for (const sink of sinks) await publishes(sink, 1000)
  const appended = await stopFilling()
  await Promise.all(sinks.map((sink) => sink.finish(place.log)))
  const counts = await assertArchived(place)
  const named = (await place.archive.ranges()).flatMap(({ files }) => files.map(({ path }) => path))
  const there = (await place.files.list('archive')).map(({ path }) => path)
  assert.deepEqual(there, named.sort(), 'who loses throws his files away')
  const failures = sinks.map((sink) => sink.failures).join(' and ')
  t.diagnostic(`${appended} in the log, ${counts}, ${failures} ranges lost to the other`)
})

test('hdfs: with no room left the archive waits and says so; with room again it goes on', async (t) => {
  const place = await given('full')
  const stopFilling = startFilling(place.log)
  const sink = startSink(place, 8000)
  await publishes(sink, 500)
  await setQuota(place.root, 1)
  await until(() => sink.trouble()?.code === 'DISK_FULL', PATIENCE_MS)
  await setQuota(place.root, -1)
  await publishes(sink, 1000)
  const appended = await stopFilling()
  await sink.finish(place.log)
  const counts = await assertArchived(place)
  t.diagnostic(`${appended} in the log, ${counts}, ${sink.failures} times without room`)
})

test('hdfs: a corrupt file of the archive is named by the error', async () => {
  const place = await given('corrupt')
  const stopFilling = startFilling(place.log)
  const sink = startSink(place, 8000)
  await publishes(sink, 300)
  await stopFilling()
  await sink.finish(place.log)
  const [file] = (await place.archive.ranges()).flatMap(({ files }) => files)
  assert.ok(file)
  const bytes = Buffer.from(await place.files.read(file.path))
  bytes.fill(0xff, 4, bytes.length >> 1)
  await place.files.remove(file.path)
  const writer = await place.files.create(file.path)
  await writer.write(bytes)
  assert.equal(await writer.commit(), true)
  await assert.rejects(assertArchived(place), (error) => {
    assert.ok(error instanceof MillraceError, String(error))
    assert.equal(error.code, 'ARCHIVE_CORRUPT')
    assert.match(error.message, new RegExp(RegExp.escape(file.path)))
    return true
  })
})

/** Bytes of all files below a folder at most; -1: no limit. */
async function setQuota(folder: string, bytes: number): Promise<void> {
  const { host } = new URL(url)
  // A quota that is not given stays: the greatest number says so.
  const names = '9223372036854775807'
  const query = `op=SETQUOTA&namespacequota=${names}&storagespacequota=${bytes}&user.name=millrace`
  const reply = await fetch(`http://${host}/webhdfs/v1${folder}?${query}`, { method: 'PUT' })
  assert.equal(reply.status, 200, await reply.text())
}
