// The event store over a real HBase: the suite of the port, and random records against the store in memory.
import { after, type TestContext } from 'node:test'
import { systemClock } from '#ports/clock'
import { type HBase, openHBase, type Row } from '../../infra/hbase/client.ts'
import { hbaseConfig } from '../../infra/hbase/config.ts'
import { createEventStore } from '../../infra/hbase/event-store.ts'
import { openStoreWriter } from '../../infra/hbase/event-store-writer.ts'
import { behind } from '../../infra/hbase/keys.ts'
import { openStoreTables, type StoreTables } from '../../infra/hbase/tables.ts'
import { eventStoreRandomSuite } from '../conformance/event-store-random-suite.ts'
import { eventStoreSuite } from '../conformance/event-store-suite.ts'
import type { OpenStore, StoreFactory } from '../support/event-store-fixture.ts'
import { clusterUrl } from '../support/test-cluster.ts'

const prefix = `test-${process.pid}`
const hbase: HBase = await openHBase(hbaseConfig(clusterUrl('store')), systemClock)
const tables = await openStoreTables(hbase, prefix)
after(() => hbase.close())

let ranges = 0

/** A part of the tables of its own, for a test that would otherwise need new ones: keys begin with its number. */
function ownRange(): StoreTables {
  const mark = Buffer.alloc(4)
  mark.writeUInt32BE(1000 + ranges++)
  const bare = (row: Row): Row => ({ ...row, key: row.key.subarray(4) })
  const own = (key: Buffer): Buffer => Buffer.concat([mark, key])
  return {
    getMany: async (table, keys) =>
      (await tables.getMany(table, keys.map(own))).map((row) => row && bare(row)),
    put: (table, rows) =>
      tables.put(
        table,
        rows.map((row) => ({ ...row, key: own(row.key) })),
      ),
    async *scan(table, range) {
      const start = range.start.length === 0 && range.reversed ? behind(mark) : own(range.start)
      const stop = range.stop.length === 0 && !range.reversed ? behind(mark) : own(range.stop)
      for await (const row of tables.scan(table, { ...range, start, stop })) yield bare(row)
    },
    async *scanAll(table, { start, stop }) {
      const range = { start: own(start), stop: stop.length === 0 ? behind(mark) : own(stop) }
      for await (const rows of tables.scanAll(table, range)) yield rows.map(bare)
    },
    close: () => {},
  }
}

const factory: StoreFactory = {
  name: 'HBase',
  open: async (_test: TestContext) => {
    const own = ownRange()
    const open = async (): Promise<OpenStore> => ({
      writer: await openStoreWriter(own),
      store: createEventStore(own),
      reopen: open,
    })
    return open()
  },
}

eventStoreSuite(factory)
eventStoreRandomSuite(factory, 12)
