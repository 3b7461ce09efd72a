// The sinks over the embedded log, store, files and index, in their threads.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { systemClock } from '#ports/clock'
import type { Closable } from '#ports/lifecycle'
import { silentTelemetry } from '#ports/telemetry'
import { decodeDeadLetter } from '#schemas/dead-letter'
import { createIdSource } from '#schemas/ids'
import type { LogRecord } from '#schemas/record'
import { createArchive } from '../../infra/archive/archive.ts'
import { openDirectory } from '../../infra/embedded/directory.ts'
import { openEventStore } from '../../infra/embedded/event-store.ts'
import { openFolderFiles } from '../../infra/embedded/folder-files.ts'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { openLogs } from '../../infra/embedded/logs.ts'
import { withSource } from '../../infra/wiring/log-source.ts'
import { startStreams } from '../../infra/wiring/streams-host.ts'
import { dataDelete, encoded, setItem, viewOf } from '../support/stream-records.ts'

const clock = systemClock
const telemetry = silentTelemetry
const ids = createIdSource()
const WAIT_MS = 10_000

/** Everything of one process that the sinks need, over one folder. */
async function open(folder: string, writerFolder = 'store') {
  const parts: Closable[] = []
  const keep = <T extends Closable>(part: T): T => {
    parts.push(part)
    return part
  }
  const logs = keep(await openLogs({ path: join(folder, 'log'), clock, telemetry }))
  const secretFile = join(folder, 'secret')
  const directory = keep(
    await openDirectory({ control: logs.control, secretFile, clock, telemetry, ids }),
  )
  const filesRoot = join(folder, 'files')
  const filesPlace = { url: 'file:', data: folder }
  const files = keep(await openFolderFiles({ root: filesRoot }))
  const store = keep(await openEventStore({ path: join(folder, 'store') }))
  const index = keep(createItemIndex({ telemetry }))
  const close = async (): Promise<void> => {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) await part.close()
  }
  const storePlace = { url: 'lmdb:', prefix: '', path: join(folder, writerFolder) }
  const parties = {
    logs: withSource(logs),
    storePlace,
    filesPlace,
    store,
    index,
    directory,
    telemetry,
    clock,
  }
  const streams = keep(
    await startStreams(parties).catch(async (error: unknown) => {
      await close()
      throw error
    }),
  )
  const archive = createArchive({ files, telemetry, clock })
  const append = async (records: readonly LogRecord[]) => {
    const { offset } = await logs.events.append(0, encoded(records))
    return { generation: 0, offsets: [offset + records.length] }
  }
  return { logs, directory, store, index, streams, archive, append, close }
}

type World = Awaited<ReturnType<typeof open>>

async function given(t: TestContext): Promise<{ folder: string; start: () => Promise<World> }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-streams-'))
  const worlds: World[] = []
  t.after(async () => {
    for (const world of worlds) await world.close()
    await rm(folder, { recursive: true, force: true })
  })
  return {
    folder,
    start: async () => {
      const world = await open(folder)
      worlds.push(world)
      return world
    },
  }
}

async function withEngine({ directory }: World): Promise<void> {
  const registered = await directory.write({
    expects: {},
    changes: [
      { type: 'app-created', app: { id: 1, name: 'shop', description: null } },
      {
        type: 'engine-registered',
        engineId: 'shop',
        appId: 1,
        factory: 'universal',
        variant: {
          id: 'shop',
          engineFactory: 'universal',
          datasource: { params: { appName: 'shop', eventNames: ['view', 'buy'] } },
          algorithms: [{ name: 'ur', params: { appName: 'shop', eventNames: ['view', 'buy'] } }],
        },
      },
    ],
  })
  assert.deepEqual(registered, { accepted: true })
}

const views = (from: number, count: number): LogRecord[] =>
  Array.from({ length: count }, (_, i) =>
    viewOf(`i${(from + i) % 50}`, { eventId: `e${from + i}`, entityId: `u${i % 7}` }),
  )

/** Items that a fresh version without a model shows: those the index has seen. */
async function shown(
  { index }: World,
  query: Partial<Parameters<typeof index.search>[2]> = {},
): Promise<string[]> {
  const version = {
    app: 1,
    engineId: 'shop',
    versionId: 'v',
    primaryEvents: ['view'],
    userDefinedRankings: [],
  }
  await index.publish(version, { items: [], indicators: [], rankings: [] })
  const { hits } = await index.search('shop', 'v', {
    scoring: 'weighted',
    evidence: [],
    rules: [],
    dates: [],
    excludeIds: [],
    from: 0,
    num: 1000,
    rankings: [],
    withRanks: false,
    explain: false,
    ...query,
  })
  return hits.map(({ item }) => item).sort()
}

describe('streams', () => {
  it('bring appended records to store, index and archive', async (t) => {
    const world = await (await given(t)).start()
    await withEngine(world)
    const end = await world.append([...views(0, 200), setItem('a', { kind: 'x' })])
    const { watermarks, archive: closer } = world.streams
    assert.ok(await watermarks.waitFor('store', end, WAIT_MS))
    world.store.refresh()
    assert.deepEqual(await world.store.count(1), new Map([[0, 201]]))
    assert.ok(await watermarks.waitFor('index', end, WAIT_MS))
    assert.equal((await shown(world)).length, 51)
    const rules = [{ field: 'kind', values: ['x'], bias: -1 }]
    assert.deepEqual(await shown(world, { rules }), ['a'])
    await closer.closeAt(end)
    assert.ok(await watermarks.waitFor('archive', end, WAIT_MS))
    let archived = 0
    for await (const batch of world.archive.columns({
      app: 1,
      channel: 0,
      upTo: end,
      columns: ['entityId'],
    })) {
      archived += batch.rows
    }
    assert.equal(archived, 201)
    assert.equal((await world.streams.health()).status, 'ok')
  })

  it('say so when the store cannot be opened', async (t) => {
    const { folder } = await given(t)
    await writeFile(join(folder, 'no-folder'), 'a file')
    await assert.rejects(open(folder, 'no-folder'), { code: 'STORE_FAILED' })
  })

  it('put an id that is used twice into dead letters', async (t) => {
    const world = await (await given(t)).start()
    const end = await world.append([
      viewOf('a', { eventId: 'e', appendId: '1' }),
      viewOf('b', { eventId: 'e', appendId: '2' }),
    ])
    assert.ok(await world.streams.watermarks.waitFor('store', end, WAIT_MS))
    const { records } = await world.logs.deadLetters.read(0, 0, 1e6)
    assert.deepEqual(
      records.map(({ value }) => decodeDeadLetter(value)?.reason),
      ['EVENT_ID_REUSED'],
    )
  })

  it('go on after a restart, without loss or double', async (t) => {
    const { start } = await given(t)
    const first = await start()
    await withEngine(first)
    const middle = await first.append(views(0, 300))
    await first.streams.archive.closeAt(middle)
    await first.append([...views(300, 300), setItem('b', { kind: 'y' })])
    await first.close()
    const second = await start()
    const end = await second.append(views(600, 10))
    assert.ok(await second.streams.watermarks.waitFor('index', end, WAIT_MS))
    second.store.refresh()
    assert.deepEqual(await second.store.count(1), new Map([[0, 611]]))
    assert.equal((await shown(second)).length, 51)
    await second.streams.archive.closeAt(end)
    const offsets: number[] = []
    for await (const batch of second.archive.records(0, 0))
      offsets.push(...batch.map((r) => r.offset))
    assert.deepEqual(
      offsets,
      Array.from({ length: 611 }, (_, i) => i),
    )
  })

  it('load what was seen before an engine was registered', async (t) => {
    const world = await (await given(t)).start()
    const before = await world.append(views(0, 50))
    assert.ok(await world.streams.watermarks.waitFor('index', before, WAIT_MS))
    await withEngine(world)
    const end = await world.append([viewOf('new')])
    assert.ok(await world.streams.watermarks.waitFor('index', end, WAIT_MS))
    for (let tries = 0; tries < 100 && (await shown(world)).length < 51; tries++)
      await clock.sleep(20)
    assert.equal((await shown(world)).length, 51)
  })

  it('empty the index when the data of an app are deleted', async (t) => {
    const world = await (await given(t)).start()
    await withEngine(world)
    const end = await world.append([
      ...views(0, 50),
      setItem('a', {}),
      dataDelete(1),
      setItem('b', { kind: 'x' }),
    ])
    assert.ok(await world.streams.watermarks.waitFor('index', end, WAIT_MS))
    assert.deepEqual(await shown(world), ['b'])
  })
})
