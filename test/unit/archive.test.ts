import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import { ARCHIVE_COLUMNS, type ColumnBatch } from '#ports/archive'
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import { silentTelemetry } from '#ports/telemetry'
import { effective } from '#schemas/effective'
import type { Event } from '#schemas/event'
import { entityHash } from '#schemas/hashes'
import type { LogRecord, Placed } from '#schemas/record'
import { createArchive } from '../../infra/archive/archive.ts'
import { findDead } from '../../infra/archive/liveness.ts'
import { openScan } from '../../infra/archive/scan.ts'
import { recordArbitrary } from '../support/arbitraries.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryFiles } from '../support/memory/files.ts'
import {
  dataDelete,
  deletionOf,
  eventRecord,
  placed,
  setItem,
  viewOf,
} from '../support/stream-records.ts'

const archiveOver = (files: Files = createMemoryFiles()) => {
  const archive = createArchive({ files, telemetry: silentTelemetry, clock: createManualClock() })
  /** Archives records as ranges of the given sizes. */
  const write = async (records: readonly Placed[], size = records.length): Promise<void> => {
    for (let from = 0; from < records.length; from += size) {
      const part = records.slice(from, from + size)
      const range = await archive.openRange(0, (part[0] as Placed).offset)
      await range.append(part)
      await range.close((part.at(-1) as Placed).offset + 1)
    }
  }
  return { archive, files, write }
}

const gather = async <T>(stream: AsyncIterable<readonly T[]>): Promise<T[]> => {
  const all: T[] = []
  for await (const some of stream) all.push(...some)
  return all
}

const upTo = (offset: number) => ({ generation: 0, offsets: [offset] })

const isCorrupt = (file: RegExp) => (error: unknown) =>
  error instanceof MillraceError && error.code === 'ARCHIVE_CORRUPT' && file.test(error.message)

describe('archive', () => {
  it('gives back every record as it was, in the order of the log', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(recordArbitrary, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        async (records, size) => {
          // Few apps, so that files hold several records and ranges several files.
          const all = placed(records.map((r) => ({ ...r, app: r.app % 3 }) as LogRecord))
          const { archive, write } = archiveOver()
          await write(all, size)
          assert.deepEqual(await gather(archive.records(0, 0)), all)
          const from = Math.floor(all.length / 2)
          assert.deepEqual(await gather(archive.records(0, from)), all.slice(from))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('keeps more rows than a row group holds', async () => {
    const records = placed(
      Array.from({ length: 70_000 }, (_, i) =>
        viewOf(`i${i % 300}`, { eventId: `e${i}`, entityId: `u${i % 50_000}`, eventTime: -i }),
      ),
    )
    const { archive, write } = archiveOver()
    await write(records)
    const [range] = await archive.ranges()
    assert.equal(range?.files.length, 1)
    assert.equal(range?.files[0]?.rows, 70_000)
    assert.deepEqual([range?.minTime, range?.maxTime], [-69_999, 0])
    const batches: ColumnBatch[] = []
    const columns = ['entityId', 'targetEntityId', 'eventTime'] as const
    for await (const batch of archive.columns({
      app: 1,
      channel: 0,
      upTo: upTo(69_000),
      columns,
    })) {
      batches.push(batch)
    }
    assert.deepEqual(
      batches.map(({ rows }) => rows),
      [65_536, 3464],
    )
    const [first, second] = batches as [ColumnBatch, ColumnBatch]
    assert.equal(first.entityId?.[60_000], 'u10000')
    assert.equal(second.targetEntityId?.[464], 'i0')
    assert.equal(second.eventTime?.[464], -66_000)
    assert.equal(second.offset[464], 66_000)
    assert.equal(second.properties, undefined)
  })

  it('writes Parquet that others read', async () => {
    const texts = ['a', 'ü', '日本', 'x'.repeat(100), '', '𝒳']
    const records = placed([
      ...texts.map((text, i) =>
        viewOf(text, { eventId: `e${i}`, eventTime: i, prId: i % 2 ? text : null }),
      ),
      dataDelete(1),
    ])
    const { files, write } = archiveOver()
    await write(records)
    const [info] = await files.list('archive')
    const bytes = await files.read(info?.path ?? '')
    const rows = await parquetReadObjects({
      file: Uint8Array.from(bytes).buffer,
      compressors: { ZSTD: (input) => zstdDecompressSync(input) },
    })
    assert.equal(rows.length, records.length)
    assert.deepEqual(
      rows.map((row) => row.targetEntityId),
      [...texts, null],
    )
    assert.deepEqual(
      rows.map((row) => row.prId),
      [null, 'ü', null, 'x'.repeat(100), null, '𝒳', null],
    )
    assert.deepEqual(
      rows.map((row) => row.offset),
      [0n, 1n, 2n, 3n, 4n, 5n, 6n],
    )
    assert.deepEqual(rows[2]?.eventTime, new Date(2))
    assert.deepEqual([rows[0]?.kind, rows[6]?.kind, rows[6]?.channel], ['event', 'data-delete', -1])
  })

  it('files records by app and day of ingest', async () => {
    const day = 86_400_000
    const records = placed([
      viewOf('a', { creationTime: 10 * day }),
      viewOf('a', { creationTime: 11 * day, app: 2 }),
      viewOf('b', { creationTime: 11 * day }),
      viewOf('c', { creationTime: 10 * day + 5 }),
    ])
    const { archive, write } = archiveOver()
    await write(records)
    const [range] = await archive.ranges()
    const files = range?.files.map(({ app, day, rows }) => `${app} ${day} ${rows}`).sort()
    assert.deepEqual(files, ['1 1970-01-11 1', '1 1970-01-12 2', '2 1970-01-12 1'])
    assert.deepEqual(await gather(archive.records(0, 0)), records)
  })

  it('ends at the first gap and skips what a range covers', async () => {
    const { archive, files } = archiveOver()
    const range = async (start: number, end: number): Promise<void> => {
      const writer = await archive.openRange(0, start)
      await writer.append(
        placed(
          Array.from({ length: end - start }, (_, i) =>
            viewOf(`${start + i}`, { eventId: `${start + i}` }),
          ),
          start,
        ),
      )
      await writer.close(end)
    }
    assert.equal(await archive.end(0), 0)
    await range(0, 4)
    await range(4, 6)
    await range(8, 9)
    assert.equal(await archive.end(0), 6)
    await assert.rejects(gather(archive.events({ app: 1, channel: 0, upTo: upTo(9) })), {
      code: 'ARCHIVE_BEHIND',
    })
    // A compacted range of all that came before counts instead of those it covers.
    const writer = await archive.openRange(0, 0)
    await writer.append(placed([viewOf('all', { eventId: 'all' })]))
    const loser = await writer.close(8)
    assert.equal(loser.end, 4, 'the first range of a start stays')
    const compacted = { ...loser, end: 8, revision: 1, files: [] }
    const file = await files.create('ranges/0-0/000000000000000.1.json')
    await file.write(Buffer.from(JSON.stringify(compacted)))
    await file.commit()
    assert.equal(await archive.end(0), 9)
    assert.deepEqual(
      (await archive.ranges()).map((r) => [r.start, r.end, r.revision]),
      [
        [0, 8, 1],
        [8, 9, 0],
      ],
    )
  })

  it('lets one of two writers win a start; the other reads on from his end', async () => {
    const { archive, files } = archiveOver()
    const [first, second] = [await archive.openRange(0, 0), await archive.openRange(0, 0)]
    await first.append(placed([viewOf('a'), viewOf('b')]))
    await second.append(placed([viewOf('a')]))
    const published = await Promise.all([first.close(2), second.close(1)])
    assert.deepEqual(published[0], published[1])
    const end = await archive.end(0)
    assert.equal(end, published[0]?.end)
    assert.equal((await files.list('archive')).length, 1)
    assert.equal((await gather(archive.records(0, 0))).length, end)
  })

  it('leaves nothing behind an aborted range', async () => {
    const { archive, files } = archiveOver()
    const range = await archive.openRange(0, 0)
    await range.append(placed([viewOf('a')]))
    await range.abort()
    assert.deepEqual(await files.list(''), [])
    assert.equal(await archive.end(0), 0)
  })

  it('keeps an empty range', async () => {
    const { archive } = archiveOver()
    await (await archive.openRange(0, 0)).close(3)
    assert.equal(await archive.end(0), 3)
    const [range] = await archive.ranges()
    assert.deepEqual([range?.files, range?.minTime, range?.maxTime], [[], null, null])
  })

  it('names a damaged, cut or missing file', async () => {
    const view = Array.from({ length: 500 }, (_, i) => viewOf(`i${i}`, { eventId: `e${i}` }))
    for (const damage of ['flip', 'cut', 'missing'] as const) {
      const { archive, files, write } = archiveOver()
      await write(placed(view))
      const path = (await files.list('archive'))[0]?.path ?? ''
      const bytes = await files.read(path)
      await files.remove(path)
      if (damage === 'flip') bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 0xff
      if (damage !== 'missing') {
        const file = await files.create(path)
        await file.write(damage === 'cut' ? bytes.subarray(0, bytes.length - 100) : bytes)
        await file.commit()
      }
      const read = gather(archive.records(0, 0))
      await assert.rejects(read, isCorrupt(/archive\/1\/.*\.parquet/), damage)
    }
  })

  it('names a damaged range', async () => {
    const { archive, files } = archiveOver()
    const file = await files.create('ranges/0-0/000000000000000.json')
    await file.write(Buffer.from('{'))
    await file.commit()
    await assert.rejects(archive.end(0), isCorrupt(/ranges\/0-0/))
  })
})

// Small worlds in which ids, entities and appends collide all the time.
const few = (prefix: string, count: number) =>
  fc.integer({ min: 0, max: count - 1 }).map((i) => `${prefix}${i}`)
const collidingRecord: fc.Arbitrary<LogRecord> = fc
  .record(
    {
      kind: fc.constantFrom(
        'event',
        'event',
        'event',
        'event',
        'deletion',
        'erasure',
        'data-delete',
        'barrier',
      ),
      app: fc.constantFrom(1, 1, 1, 2),
      channel: fc.constantFrom(0, 0, 0, 1),
      user: few('u', 3),
      item: few('i', 3),
      eventId: few('e', 4),
      appendId: fc.constantFrom('', 'a', 'b', 'c'),
      number: fc.integer({ min: 0, max: 2 }),
      all: fc.boolean(),
    },
    { noNullPrototype: true },
  )
  .map(({ kind, app, channel, user, item, eventId, appendId, number, all }): LogRecord => {
    const properties = JSON.stringify({ number })
    const event = eventRecord({
      app,
      channel,
      appendId,
      eventId,
      entityId: user,
      properties,
      ...(number === 0 ? {} : { targetEntityType: 'item', targetEntityId: item }),
    })
    const creationTime = 5
    switch (kind) {
      case 'event':
        return event
      case 'deletion':
        return deletionOf(event)
      case 'erasure':
        return {
          kind,
          app,
          channel,
          appendId,
          creationTime,
          entityHash: all ? entityHash('user', user) : entityHash('item', item),
        }
      case 'data-delete':
        return dataDelete(app, all ? null : channel)
      default:
        return { kind: 'barrier', app, engineId: 'e', versionId: 'v', appendId, creationTime }
    }
  })

describe('archive: effective events', () => {
  const expected = (records: readonly Placed[], end: number): Placed[] =>
    effective(records.filter(({ offset }) => offset < end)).filter(
      ({ record }) => record.kind === 'event' && record.app === 1 && record.channel === 0,
    )

  it('are those of the reference, whatever collides', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(collidingRecord, { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(50),
        async (records, size, before) => {
          const all = placed(records)
          const { archive, write } = archiveOver()
          await write(all, size)
          const end = Math.max(0, all.length - before)
          const request = { app: 1, channel: 0, upTo: upTo(end) }
          const wanted = expected(all, end)
          const events = await gather<Event>(archive.events(request))
          assert.deepEqual(
            events,
            wanted.map(({ record }) => (record.kind === 'event' ? record.event : null)),
          )
          const offsets: number[] = []
          const properties: string[] = []
          for await (const batch of archive.columns({ ...request, columns: ARCHIVE_COLUMNS })) {
            assert.equal(batch.rows, batch.offset.length)
            offsets.push(...batch.offset)
            properties.push(...(batch.properties ?? []))
          }
          assert.deepEqual(
            offsets,
            wanted.map(({ offset }) => offset),
          )
          assert.deepEqual(
            properties,
            events.map((event) => event.properties),
          )
        },
      ),
      { numRuns: 120 },
    )
  })

  it('are the same in many small passes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(collidingRecord, { minLength: 1, maxLength: 50 }),
        async (records) => {
          const { archive, files, write } = archiveOver()
          await write(placed(records), 10)
          const scan = await openScan(files, await archive.ranges(), {
            app: 1,
            channel: 0,
            upTo: upTo(records.length),
          })
          const whole = await findDead(scan, { channel: 0 })
          const small = await findDead(scan, { channel: 0, rowsAPass: 7, identitiesAPass: 2 })
          for (let row = 0; row < scan.rows; row++)
            assert.equal(small.has(row), whole.has(row), `row ${row}`)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('follow an entity through its states', async () => {
    const set = setItem('a', { n: 1 })
    const { archive, write } = archiveOver()
    await write(placed([set, set, deletionOf(set), set, { ...set, appendId: 'again' }]), 2)
    const offsets: number[] = []
    for await (const batch of archive.columns({ app: 1, channel: 0, upTo: upTo(5), columns: [] })) {
      offsets.push(...batch.offset)
    }
    assert.deepEqual(offsets, [4])
  })

  it('stop when the caller does', async () => {
    const { archive, write } = archiveOver()
    await write(placed([viewOf('a')]))
    const signal = AbortSignal.abort()
    await assert.rejects(gather(archive.events({ app: 1, channel: 0, upTo: upTo(1), signal })), {
      name: 'AbortError',
    })
  })
})
