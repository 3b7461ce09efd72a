import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetReadObjects } from 'hyparquet'
import type { ColumnBatch } from '#ports/archive'
import { MillraceError } from '#ports/errors'
import type { LogRecord } from '#schemas/record'
import { recordArbitrary } from '../support/arbitraries.ts'
import { archiveOver, gather, upTo } from '../support/archive-fixture.ts'
import { dataDelete, placed, viewOf } from '../support/stream-records.ts'

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
