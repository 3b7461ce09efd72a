// The upkeep of the archive: erased rows go, small ranges become one, old files go a day later, and every reader is told the same as
// before.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import type { Files } from '#ports/files'
import { entityHash } from '#schemas/hashes'
import type { LogRecord, Placed } from '#schemas/record'
import { runsOf } from '../../infra/archive/compact.ts'
import { keepArchive } from '../../infra/archive/upkeep.ts'
import { openTables } from '../../infra/embedded/event-store/environment.ts'
import { takeSnapshot } from '../../infra/embedded/event-store/snapshot.ts'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'
import { compareStores } from '../../streams/compare-stores.ts'
import { createDifferences } from '../../streams/differences.ts'
import { createStoreFill } from '../../streams/fill-store.ts'
import { archiveOver, gather, upTo } from '../support/archive-fixture.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryFiles } from '../support/memory/files.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { createStoreRecords } from '../support/store-records.ts'
import { dataDelete, deletionOf, placed, viewOf } from '../support/stream-records.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const DAY = 86_400_000
const TIME = 1_700_000_000_000
const { signal } = new AbortController()

function erasure(entityType: string, entityId: string): LogRecord {
  const hash = entityHash(entityType, entityId)
  return {
    kind: 'erasure',
    appendId: 'x',
    app: 1,
    channel: 0,
    entityHash: hash,
    creationTime: TIME,
  }
}

/** Files of the archive in which a text is found, in any value. */
async function filesWith(files: Files, text: string): Promise<string[]> {
  const found: string[] = []
  for (const { path } of await files.list('archive')) {
    const bytes = await files.read(path)
    const rows = await parquetReadObjects({
      file: Uint8Array.from(bytes).buffer,
      compressors: { ZSTD: (input) => zstdDecompressSync(input) },
    })
    const said = JSON.stringify(rows, (_, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    if (said.includes(text)) found.push(path)
  }
  return found
}

/** Views of `gone` among those of others, with the events that name it as a target. */
function recordsWith(gone: string, count: number): LogRecord[] {
  const views = Array.from({ length: count }, (_, n) => {
    const entityId = n % 5 === 0 ? gone : `u${n % 7}`
    const target = n % 11 === 3 ? gone : `i${n % 13}`
    return viewOf(target, { eventId: `e${n}`, entityId, properties: '{"n":1}' })
  })
  const named = views.find(({ event }) => event.entityId === gone)
  return named === undefined ? views : [...views, deletionOf(named)]
}

describe('archive upkeep: erased rows', () => {
  it('leaves no word of the entity in the ranges that count, and after a day in no file', async () => {
    const { archive, files, write } = archiveOver()
    const clock = createManualClock()
    const records = [...recordsWith('gone-for-good', 60), erasure('user', 'gone-for-good')]
    const all = [...records, erasure('item', 'gone-for-good'), viewOf('i1', { eventId: 'later' })]
    await write(placed(all), 20)
    const request = { app: 1, channel: 0, upTo: upTo(all.length) }
    const before = await gather(archive.events(request))
    const had = await filesWith(files, 'gone-for-good')
    assert.equal(had.length, 4)

    const { erased } = await keepArchive({ files, clock, signal })
    assert.equal(erased.ranges, 4)
    assert.equal(erased.rows, 12 + 5 + 1, 'its own, those that name it, a deletion')
    const counting = (await archive.ranges()).flatMap((range) =>
      range.files.map(({ path }) => path),
    )
    const left = await filesWith(files, 'gone-for-good')
    assert.deepEqual(left, had, 'who reads the old ones is not disturbed')
    assert.ok(left.every((path) => !counting.includes(path)))
    assert.deepEqual(await gather(archive.events(request)), before)

    clock.advance(DAY - 1)
    assert.equal((await keepArchive({ files, clock, signal })).swept.files, 0)
    clock.advance(1)
    const { swept } = await keepArchive({ files, clock, signal })
    assert.deepEqual(swept, { ranges: 4, files: 4 })
    assert.deepEqual(await filesWith(files, 'gone-for-good'), [])
    assert.deepEqual(await gather(archive.events(request)), before)
    const kinds = Map.groupBy(await gather(archive.records(0, 0)), ({ record }) => record.kind)
    assert.equal(kinds.get('tombstone')?.length, 17)
  })

  it('looks at old ranges once an erasure', async () => {
    const { files, write } = archiveOver()
    const clock = createManualClock()
    await write(placed([...recordsWith('first', 20), erasure('user', 'first')]))
    assert.equal((await keepArchive({ files, clock, signal })).erased.ranges, 1)
    assert.deepEqual((await keepArchive({ files, clock, signal })).erased, { ranges: 0, rows: 0 })
    const from = 22
    await write(placed([...recordsWith('second', 10), erasure('user', 'u1')], from))
    const { erased } = await keepArchive({ files, clock, signal })
    assert.equal(erased.ranges, 2, 'of both ranges, since both have rows of it')
    assert.equal((await files.list('swept')).length, 1)
  })

  it('takes out what a data-delete ended, of one app only', async () => {
    const { archive, files, write } = archiveOver()
    const others = recordsWith('kept', 10).map((r) => ({ ...r, app: 2 }) as LogRecord)
    await write(placed([...recordsWith('deleted', 10), ...others, dataDelete(1)]))
    await keepArchive({ files, clock: createManualClock(), signal })
    const said = JSON.stringify(await gather(archive.records(0, 0)))
    assert.doesNotMatch(said, /deleted/)
    assert.match(said, /kept/)
  })

  it('takes a name out of tombstones too, when it is erased later', async () => {
    const { archive, files, write } = archiveOver()
    const clock = createManualClock()
    await write(placed([viewOf('named', { entityId: 'u1' }), erasure('user', 'u1')]))
    await keepArchive({ files, clock, signal })
    assert.match(JSON.stringify(await gather(archive.records(0, 0))), /named/)
    await write(placed([erasure('item', 'named')], 2))
    assert.equal((await keepArchive({ files, clock, signal })).erased.rows, 1)
    assert.doesNotMatch(JSON.stringify(await gather(archive.records(0, 0))), /named/)
    await write(placed([erasure('item', 'named')], 3))
    assert.equal((await keepArchive({ files, clock, signal })).erased.rows, 0)
  })

  it('refuses a late copy of an append that was erased, as the store does', async () => {
    const { archive, files, write } = archiveOver()
    const mine = viewOf('i1', { eventId: 'mine', entityId: 'u1', appendId: 'request 1' })
    await write(placed([mine, erasure('user', 'u1')]))
    await keepArchive({ files, clock: createManualClock(), signal })
    const anew = { ...mine, appendId: 'request 2' }
    await write(placed([mine, anew], 2))
    const offsets: number[] = []
    const request = { app: 1, channel: 0, upTo: upTo(4), columns: [] }
    for await (const { offset } of archive.columns(request)) offsets.push(...offset)
    assert.deepEqual(offsets, [3])
  })
})

describe('archive upkeep: small ranges', () => {
  it('makes one of neighbours, which says the same; old ones go a day later', async () => {
    const { archive, files, write } = archiveOver()
    const clock = createManualClock()
    const records = placed(recordsWith('u1', 100))
    await write(records, 9)
    const ranges = await archive.ranges()
    assert.equal(ranges.length, 12)
    const reading = archive.records(0, 0)[Symbol.asyncIterator]()
    await reading.next()

    assert.equal((await keepArchive({ files, clock, signal })).compacted, 12)
    const [one, ...none] = await archive.ranges()
    assert.deepEqual([one?.start, one?.end, one?.revision, none.length], [0, 101, 1, 0])
    assert.equal(one?.files.length, 1)
    assert.deepEqual([one?.minTime, one?.maxTime], [ranges[0]?.minTime, ranges.at(-1)?.maxTime])
    assert.deepEqual(await gather(archive.records(0, 0)), records)
    assert.equal(await archive.end(0), 101)
    while (!(await reading.next()).done); // what began before is not disturbed

    clock.advance(DAY)
    assert.deepEqual((await keepArchive({ files, clock, signal })).swept, { ranges: 12, files: 12 })
    assert.equal((await files.list('ranges')).length, 1)
    assert.deepEqual(await gather(archive.records(0, 0)), records)
  })

  it('merges neighbours only, from eight on, up to 64 MB', () => {
    const range = (start: number, end: number, megabytes = 1) => ({
      ...{ generation: 0, partition: 0, start, end, revision: 0, minTime: null, maxTime: null },
      files: [{ path: `${start}`, app: 1, day: 'd', rows: 1, bytes: megabytes * 1024 * 1024 }],
    })
    const row = (count: number, from = 0, megabytes = 1) =>
      Array.from({ length: count }, (_, i) => range(from + i, from + i + 1, megabytes))
    const sizes = (ranges: ReturnType<typeof row>) => runsOf(ranges).map(({ length }) => length)
    assert.deepEqual(sizes(row(7)), [])
    assert.deepEqual(sizes(row(8)), [8])
    assert.deepEqual(sizes([...row(8), ...row(8, 9)]), [8, 8], 'a gap between them')
    assert.deepEqual(sizes([...row(8), range(8, 9, 20), ...row(5, 9)]), [8], 'a large one')
    assert.deepEqual(sizes(row(30, 0, 7)), [9, 9, 9])
  })
})

describe('archive upkeep: what a crash left', () => {
  it('removes it a day later, and nothing that may still be published', async () => {
    const { archive, files, write } = archiveOver()
    await write(placed([viewOf('a'), viewOf('b')]))
    const clock = createManualClock()
    const begun = Math.floor(clock.now()).toString(16).padStart(12, '0')
    const left = `archive/1/2023-11-14/0-0-000000000000001-${begun}7000-0.parquet`
    const growing = `archive/1/2023-11-14/0-0-000000000000002-${begun}7000-0.parquet`
    for (const path of [left, growing]) await (await files.create(path)).commit()
    assert.equal((await keepArchive({ files, clock, signal })).swept.files, 0)
    clock.advance(DAY)
    assert.equal((await keepArchive({ files, clock, signal })).swept.files, 1)
    const paths = (await files.list('archive')).map(({ path }) => path)
    assert.equal(paths.length, 2)
    assert.ok(paths.includes(growing))
    assert.equal((await gather(archive.records(0, 0))).length, 2)
  })
})

for (const seed of [11, 12, 13]) {
  test(`a store made from a swept archive is the live one (seed ${seed})`, async (t) => {
    const opened: { close(): Promise<void> }[] = []
    t.after(async () => {
      for (const part of opened) await part.close()
    })
    const folder = await temporaryFolder(t)
    const records = createStoreRecords(seed)
      .next(900)
      .map((its, offset): Placed => ({ ...its, offset }))
    const { archive, files, write } = archiveOver(createMemoryFiles())
    const clock = createManualClock()
    // Swept in between, so that later records meet tombstones.
    for (const [from, to] of [
      [0, 300],
      [300, 600],
      [600, 900],
    ] as const) {
      await write(records.slice(from, to), 30)
      await keepArchive({ files, clock, signal })
      clock.advance(DAY)
    }
    const end = [records.length]
    const live = await openStoreWriter({ path: join(folder, 'live') })
    await live.apply(records, { generation: 0, offsets: end })
    const rebuilt = await openStoreWriter({ path: join(folder, 'rebuilt') })
    const log = createMemoryLog()
    const fill = await createStoreFill({
      archive,
      log,
      writer: rebuilt,
      onProgress: () => {},
      signal,
    })
    await fill.to(end)
    const tables = ['live', 'rebuilt'].map((name) => openTables({ path: join(folder, name) }))
    opened.push(...tables.map(({ root }) => root), live, rebuilt)
    const [mine, theirs] = tables.map(takeSnapshot)
    assert.ok(mine !== undefined && theirs !== undefined)
    const differences = createDifferences()
    await compareStores({ live: mine, rebuilt: theirs, differences, onProgress: () => {}, signal })
    assert.deepEqual(differences.result().kinds, [])
    await mine.close()
    await theirs.close()
  })
}
