// The event store while its regions move, are split, and lose their server: every acknowledged event is there once, and every
// read in between is right. The table tests look at the client alone, with keys of any bytes.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from '../../../infra/hbase/client.ts'
import { createEventStore } from '../../../infra/hbase/event-store.ts'
import { openStoreWriter } from '../../../infra/hbase/event-store-writer.ts'
import { layouts } from '../../../infra/hbase/keys.ts'
import { openStoreTables, type StoreTables } from '../../../infra/hbase/tables.ts'
import { type HBaseFaults, openHBaseFaults } from '../../support/hbase-faults.ts'
import { killServer, restartServers } from '../../support/shared-cluster.ts'
import { type StoreLoad, startStoreLoad } from '../../support/store-load.ts'
import { clusterUrl } from '../../support/test-cluster.ts'

const ROWS = 5000
const prefix = `test-${randomUUID().slice(0, 8)}`
const names = layouts(prefix).map(({ name }) => name)
const bytesTable = `${prefix}-bytes`
/** The tables that hold rows of the event store's own load. */
const loaded = names.filter((name) => /-(event|time|id|state)$/.test(name))

let faults: HBaseFaults
let tables: StoreTables
before(async () => {
  faults = await openHBaseFaults(clusterUrl('store'))
  tables = await openStoreTables(faults.hbase, prefix)
  const splits = [64, 128, 192].map((byte) => Buffer.from([byte]))
  await faults.hbase.createTables([{ name: bytesTable, attributes: {}, splits }])
})
after(async () => {
  await restartServers('hdfs', 'hbase')
  await faults.drop([...names, bytesTable])
  faults.close()
})

/** Writes and reads of the store go on while `befall` does something to HBase. */
async function underLoad(
  t: { diagnostic(text: string): void },
  befall: (load: StoreLoad) => Promise<string>,
): Promise<void> {
  const writer = await openStoreWriter(tables)
  const store = createEventStore(tables)
  const load = await startStoreLoad(writer, store)
  await load.reach(load.acknowledged + 600, 60_000)
  const befallen = await befall(load)
  await load.reach(load.acknowledged + 600, 120_000)
  t.diagnostic(`${befallen}: ${await load.end()}`)
  assert.ok(load.reads > 50, `only ${load.reads} reads`)
}

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)
const ofAll = (work: (table: string) => Promise<number>): Promise<number[]> =>
  Promise.all([...loaded, bytesTable].map(work))

/** Rows whose keys hold every byte value, spread over all regions, in order. */
function rowsOfBytes(): Row[] {
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const key = Buffer.alloc(6)
    key.writeUInt32BE(Math.imul(i, 2_654_435_761) >>> 0)
    key.writeUInt16BE(i, 4)
    return { key, value: Buffer.from(`value ${i}`), timestamp: i + 1 }
  })
  return rows.sort(byKey)
}

const byKey = (a: Row, b: Row): number => Buffer.compare(a.key, b.key)

/** Reads the table in every way until the signal aborts; returns how often. */
async function readBytes(rows: readonly Row[], signal: AbortSignal): Promise<number> {
  const { hbase } = faults
  const from = Buffer.alloc(0)
  const collect = async (reversed: boolean, batch: number): Promise<Row[]> => {
    const found: Row[] = []
    const range = { start: from, stop: from, reversed, batch }
    for await (const row of hbase.scan(bytesTable, range)) found.push(row)
    return found
  }
  const mixed = rows.toSorted((a, b) => a.timestamp - b.timestamp).map(({ key }) => key)
  const missing = Buffer.from('missing')
  let rounds = 0
  for (; !signal.aborted; rounds++) {
    assert.deepEqual(await collect(false, 333), rows)
    assert.deepEqual(await collect(true, 777), rows.toReversed())
    const pages = await Array.fromAsync(hbase.scanAll(bytesTable, { start: from, stop: from }))
    assert.deepEqual(pages.flat().sort(byKey), rows)
    const many = await hbase.getMany(bytesTable, [missing, ...mixed])
    assert.equal(many[0], null)
    assert.deepEqual(
      many.slice(1).map((row) => row?.timestamp),
      mixed.map((_, i) => i + 1),
    )
  }
  return rounds
}

test('hbase: moves and splits of every region under writes and reads', async (t) => {
  const rows = rowsOfBytes()
  await faults.hbase.put(bytesTable, rows)
  const over = new AbortController()
  const reading = readBytes(rows, over.signal)
  await underLoad(t, async () => {
    const moves = total(await ofAll(faults.moveAll))
    const splits = total(await ofAll(faults.splitAll))
    assert.ok(moves >= 13 && splits >= 8, `${moves} moves, ${splits} splits`)
    return `${moves} moves, ${splits} splits`
  })
  over.abort()
  t.diagnostic(
    `${ROWS} rows read forward, reversed, by region and by key, ${await reading} times, all right`,
  )
})

test('hbase: of two region servers the one with hbase:meta is killed under writes and reads, and not started again', async (t) => {
  await underLoad(t, async (load) => {
    await killServer(/:\d+$/.exec(await faults.metaServer())?.[0] ?? '')
    await sleep(1000)
    await load.reach(load.acknowledged + 600, 120_000)
    return 'a region server killed'
  })
})
