// What befalls the regions of a real HBase: moves and splits, asked of its master.
import { systemClock } from '#ports/clock'
import { type HBase, openHBase } from '../../infra/hbase/client.ts'
import { hbaseConfig } from '../../infra/hbase/config.ts'
import { errorName } from '../../infra/hbase/errors.ts'
import { clientMessages, type MessageClass, protocolFile } from '../../infra/hbase/library.ts'
import { connectMaster } from '../../infra/hbase/master-connection.ts'
import { createRegions, type Region } from '../../infra/hbase/regions.ts'
import { createServers } from '../../infra/hbase/servers.ts'
import { watchAddresses } from '../../infra/hbase/zookeeper.ts'
import { until } from './until.ts'

export interface HBaseFaults {
  readonly hbase: HBase
  regions(table: string): Promise<readonly Region[]>
  /** `host:port` of the region server that holds hbase:meta. */
  metaServer(): Promise<string>
  /** Moves each region to another server, one by one. Returns how many moved. */
  moveAll(table: string): Promise<number>
  /** Splits each region that has rows in its middle, one by one. Returns how many were split. */
  splitAll(table: string): Promise<number>
  /** Removes the tables; those that are not there are no error. */
  drop(tables: readonly string[]): Promise<void>
  close(): void
}

/** The master answers a move when the region is open again, but a split at once. */
export async function openHBaseFaults(url: string): Promise<HBaseFaults> {
  const config = hbaseConfig(url)
  const addresses = await watchAddresses(config.zooKeeper, config.root, 15_000)
  const limits = { connectTimeoutMs: 5000, callTimeoutMs: 20_000 }
  const servers = createServers({ user: config.user, ...limits })
  const known = createRegions(servers, addresses.meta)
  const hbase = await openHBase(config, systemClock)
  const ask = async (method: string, request: Buffer): Promise<void> => {
    const master = connectMaster(await addresses.master(), config.user)
    try {
      await master.call(method, request)
    } catch (error) {
      throw new Error(`${method}: ${errorName(error)}`, { cause: error })
    } finally {
      master.close()
    }
  }
  const regions = (table: string): Promise<readonly Region[]> => {
    known.forget(table)
    return known.all(table)
  }
  const each = async (
    table: string,
    work: (region: Region) => Promise<boolean>,
  ): Promise<number> => {
    let done = 0
    for (const region of await regions(table)) if (await work(region)) done++
    return done
  }
  return {
    hbase,
    regions,
    metaServer: () => addresses.meta(),
    moveAll: (table) =>
      each(table, async (region) => {
        await ask('MoveRegion', moveRequest(region))
        return true
      }),
    splitAll: (table) =>
      each(table, async (region) => {
        const middle = await middleOf(hbase, table, region)
        if (middle === null) return false
        const before = (await regions(table)).length
        await ask('SplitRegion', splitRequest(table, region, middle))
        await until(async () => (await regions(table)).length > before, 60_000)
        return true
      }),
    drop: async (tables) => {
      for (const table of tables) {
        const tableName = nameOf(table)
        await ask('DisableTable', encoded('DisableTableRequest', { tableName }))
        await ask('DeleteTable', encoded('DeleteTableRequest', { tableName }))
      }
    },
    close: () => {
      hbase.close()
      servers.close()
      addresses.close()
    },
  }
}

const masterMessages = protocolFile('Master.proto').build()

function encoded(message: string, fields: object): Buffer {
  return new (masterMessages[message] as MessageClass)(fields).encode().toBuffer()
}

const nameOf = (table: string): object => ({
  namespace: Buffer.from('default'),
  qualifier: Buffer.from(table),
})

/** A region's name is its table, a comma, its start key, a comma, its number, a dot, its short name, a dot. */
function partsOf({ name }: Region): { readonly id: number; readonly short: string } {
  const [id = '', short = ''] = name.toString('latin1', name.lastIndexOf(',') + 1).split('.')
  return { id: Number(id), short }
}

/** The master chooses where to. */
function moveRequest(region: Region): Buffer {
  const value = Buffer.from(partsOf(region).short)
  return encoded('MoveRegionRequest', { region: { type: 'ENCODED_REGION_NAME', value } })
}

/** SplitTableRegionRequest is younger than the library's protocol files: field 1 the region, field 2 the row. */
function splitRequest(table: string, region: Region, row: Buffer): Buffer {
  const info = new (clientMessages.RegionInfo as MessageClass)({
    regionId: partsOf(region).id,
    tableName: nameOf(table),
    startKey: region.startKey,
    endKey: region.endKey,
  })
  return Buffer.concat([field(1, info.encode().toBuffer()), field(2, row)])
}

/** A field of bytes, below 16 kB. */
function field(number: number, bytes: Buffer): Buffer {
  const { length } = bytes
  return Buffer.concat([Buffer.from([number * 8 + 2, (length & 127) | 128, length >> 7]), bytes])
}

async function middleOf(hbase: HBase, table: string, region: Region): Promise<Buffer | null> {
  const keys: Buffer[] = []
  const range = { start: region.startKey, stop: region.endKey }
  for await (const { key } of hbase.scan(table, range)) keys.push(key)
  return keys.length < 2 ? null : (keys[keys.length >> 1] as Buffer)
}
