// A version of the store filled from archive and log is what the store sink made of the same records; whatever is changed in
// the live one is found and named.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { encodeRecord } from '#schemas/codec'
import type { Placed } from '#schemas/record'
import { openTables, type Tables } from '../../infra/embedded/event-store/environment.ts'
import { takeSnapshot } from '../../infra/embedded/event-store/snapshot.ts'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'
import { compareStores } from '../../streams/compare-stores.ts'
import { createDifferences } from '../../streams/differences.ts'
import { createStoreFill } from '../../streams/fill-store.ts'
import { archiveOver } from '../support/archive-fixture.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { createRandom } from '../support/random.ts'
import { createStoreRecords } from '../support/store-records.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const RECORDS = 600

interface World {
  /** The live version, to be read and spoilt. */
  readonly live: Tables
  /** Fills a new version up to `end` and compares; `kind count` of what differs. */
  readonly differences: (end?: number) => Promise<string[]>
}

/** `archived` of the records are in ranges; all are in the log, and were applied to the live version. */
async function world(t: TestContext, seed: number, archived: number): Promise<World> {
  const opened: { close(): Promise<void> }[] = []
  t.after(async () => {
    for (const part of opened) await part.close()
  })
  const folder = await temporaryFolder(t)
  const records = createStoreRecords(seed)
    .next(RECORDS)
    .map((placed, offset): Placed => ({ ...placed, offset }))
  const { archive, write } = archiveOver()
  await write(records.slice(0, archived), 150)
  const log = createMemoryLog()
  await log.append(
    0,
    records.map(({ record }) => encodeRecord(record)),
  )
  const random = createRandom(seed)
  const writer = await openStoreWriter({ path: join(folder, 'store') })
  for (let at = 0; at < records.length; ) {
    const end = Math.min(records.length, at + 1 + random.below(100))
    await writer.apply(records.slice(at, end), { generation: 0, offsets: [end] })
    at = end
  }
  const live = openTables({ path: join(folder, 'store') })
  opened.push(live.root, writer)
  const signal = new AbortController().signal
  let version = 0
  const differences = async (end = RECORDS): Promise<string[]> => {
    const path = join(folder, `store-${version++}`)
    const next = await openStoreWriter({ path })
    const fill = await createStoreFill({ archive, log, writer: next, onProgress: () => {}, signal })
    await fill.to([Math.floor(end / 2)])
    await fill.to([end])
    assert.deepEqual(fill.offsets, [end])
    assert.equal(fill.filled.fromArchive + fill.filled.fromLog, end)
    const rebuilt = openTables({ path })
    const found = createDifferences()
    const snapshots = { live: takeSnapshot(live), rebuilt: takeSnapshot(rebuilt) }
    assert.deepEqual(snapshots.rebuilt.watermark.offsets, [end])
    await compareStores({ ...snapshots, differences: found, onProgress: () => {}, signal })
    for (const snapshot of Object.values(snapshots)) await snapshot.close()
    await rebuilt.root.close()
    await next.close()
    return found.result().kinds.map(({ kind, count }) => `${kind} ${count}`)
  }
  return { live, differences }
}

for (const seed of [1, 2, 3, 4]) {
  test(`a version filled from archive and log is the live one (seed ${seed})`, async (t) => {
    const { differences } = await world(t, seed, [0, 200, 400, RECORDS][seed - 1] ?? 0)
    assert.deepEqual(await differences(), [])
  })
}

test('a version that ends sooner lacks what came later', async (t) => {
  const { differences } = await world(t, 5, 300)
  assert.match((await differences(RECORDS - 200)).join(), /event-extra/)
})

const firstOf = (table: Tables['events'], skip = 0) => {
  const [entry] = [...table.getRange({ offset: skip, limit: 1 })]
  assert.ok(entry !== undefined)
  return entry
}

/** How a table is spoilt, and what has to be found. */
const PLANTS: Readonly<Record<string, readonly [(live: Tables) => void, RegExp]>> = {
  'an event that is gone': [
    ({ events }) => events.removeSync(firstOf(events, 20).key),
    /^event-missing 1$/,
  ],
  'an event of another row': [
    ({ events }) => {
      const { key, value } = firstOf(events, 20)
      const later = Buffer.from(key)
      later.writeUInt8((key.at(-1) ?? 0) + 1, key.length - 1)
      events.putSync(later, value)
    },
    /^event-extra 1$/,
  ],
  'an event that says something else': [
    ({ events }) => {
      const { key, value } = firstOf(events, 20)
      events.putSync(key, firstOf(events, 21).value)
      assert.notDeepEqual(value, firstOf(events, 20).value)
    },
    /^event-other 1,event-id 1$/,
  ],
  'a property with another value': [
    ({ states }) => {
      const whole = [...states.getRange({})].find(({ value }) => value.includes('.50'))
      const { key, value } = whole ?? firstOf(states)
      states.putSync(key, Buffer.from(value.toString().replace('.50', '.51')))
    },
    /^state-other 1$/,
  ],
  'a state that is gone': [
    ({ states }) => states.removeSync(firstOf(states).key),
    /^state-missing 1$/,
  ],
  'a history in another order': [
    ({ pages }) => {
      const { key, value } =
        [...pages.getRange({})].find(({ value: page }) => page.length > 60) ?? firstOf(pages)
      const at = 16 + (value[16] ?? 0)
      const first = value.subarray(1, at)
      pages.putSync(key, Buffer.concat([value.subarray(0, 1), value.subarray(at), first]))
    },
    /^history-other 1$/,
  ],
  'a target that was never seen': [
    ({ targets }) => {
      const { key } = firstOf(targets)
      targets.putSync(Buffer.concat([key, Buffer.from('x')]), Buffer.from('never'))
    },
    /^target-extra 1$/,
  ],
  'a wrong number of events': [
    ({ tenants }) => {
      const { key, value } = firstOf(tenants)
      const row = JSON.parse(value.toString()) as { count: number }
      tenants.putSync(key, Buffer.from(JSON.stringify({ ...row, count: row.count + 1 })))
    },
    /^event-count 1$/,
  ],
}

test('whatever is changed in the live version is found and named', async (t) => {
  for (const [name, [plant, wanted]] of Object.entries(PLANTS)) {
    const { live, differences } = await world(t, 7, 350)
    live.root.transactionSync(() => plant(live))
    assert.match((await differences()).join(), wanted, name)
  }
})

test('an aborted fill stops, and one that the log was trimmed behind says so', async (t) => {
  const opened: { close(): Promise<void> }[] = []
  t.after(() => Promise.all(opened.map((part) => part.close())))
  const folder = await temporaryFolder(t)
  const log = createMemoryLog()
  const records = createStoreRecords(9).next(50)
  await log.append(
    0,
    records.map(({ record }) => encodeRecord(record)),
  )
  const writer = await openStoreWriter({ path: folder })
  opened.push(writer)
  const { archive } = archiveOver()
  const onProgress = (): void => {}
  const aborted = AbortSignal.abort(new Error('enough'))
  const stopped = await createStoreFill({ archive, log, writer, onProgress, signal: aborted })
  await assert.rejects(stopped.to([50]), /enough/)
  await log.trim(0, 10)
  const { signal } = new AbortController()
  const fill = await createStoreFill({ archive, log, writer, onProgress, signal })
  await assert.rejects(fill.to([50]), { code: 'LOG_TRIMMED' })
})
