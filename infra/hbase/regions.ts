// Where the rows of a table are: its regions, read from hbase:meta with one forward scan and kept until a call shows that
// they have changed.
import { regionNotFound } from './errors.ts'
import { bytesOf, clientMessages, type Message, type MessageClass } from './library.ts'
import type { Servers } from './servers.ts'

export interface Region {
  /** As requests name it. */
  readonly name: Buffer
  /** `host:port` */
  readonly server: string
  /** Inclusive; empty: from the first row. */
  readonly startKey: Buffer
  /** Exclusive; empty: to the last row. */
  readonly endKey: Buffer
}

export interface Regions {
  /** The region of a row; `before`: of the greatest row that is smaller (an empty row: of the last row of all). */
  locate(table: string, row: Buffer, before?: boolean): Promise<Region>
  all(table: string): Promise<readonly Region[]>
  /** They are looked up anew the next time. */
  forget(table: string): void
}

const META_REGION = { type: 'REGION_NAME', value: Buffer.from('hbase:meta,,1') }
const META_PAGE = 500

export function createRegions(servers: Servers, metaServer: () => Promise<string>): Regions {
  const known = new Map<string, readonly Region[]>()
  const loading = new Map<string, Promise<readonly Region[]>>()

  const load = (table: string): Promise<readonly Region[]> => {
    const already = loading.get(table)
    if (already !== undefined) return already
    const reading = readRegions(servers, metaServer, table)
      .then((regions) => {
        known.set(table, regions)
        return regions
      })
      .finally(() => loading.delete(table))
    loading.set(table, reading)
    return reading
  }
  const all = async (table: string): Promise<readonly Region[]> => known.get(table) ?? load(table)
  return {
    all,
    locate: async (table, row, before = false) => {
      const region = find(await all(table), row, before)
      if (region !== null) return region
      known.delete(table)
      throw regionNotFound(table)
    },
    forget: (table) => void known.delete(table),
  }
}

function find(regions: readonly Region[], row: Buffer, before: boolean): Region | null {
  const last = before && row.length === 0
  let low = 0
  let high = regions.length - 1
  let found = last ? high : -1
  while (!last && low <= high) {
    const middle = (low + high) >> 1
    const compared = Buffer.compare((regions[middle] as Region).startKey, row)
    if (before ? compared < 0 : compared <= 0) {
      found = middle
      low = middle + 1
    } else high = middle - 1
  }
  const region = regions[found]
  if (region === undefined) return null
  if (region.endKey.length === 0) return region
  // Between two splits meta may have a gap for a moment.
  if (last) return null
  const beyond = Buffer.compare(row, region.endKey)
  return (before ? beyond <= 0 : beyond < 0) ? region : null
}

async function readRegions(
  servers: Servers,
  metaServer: () => Promise<string>,
  table: string,
): Promise<readonly Region[]> {
  const regions: Region[] = []
  // Exactly this table: a row of meta is its table, a comma, the start key, a comma, an id.
  let startRow: Buffer = Buffer.from(`${table},,`)
  const stopRow = Buffer.from(`${table} ,,`)
  for (;;) {
    const response = await servers.call(await metaServer(), 'Scan', {
      region: META_REGION,
      scan: { startRow, stopRow, column: [{ family: Buffer.from('info') }] },
      numberOfRows: META_PAGE,
      closeScanner: true,
    })
    const results = response.results as readonly Message[]
    for (const result of results) {
      const { row, region } = readRow(result, table)
      startRow = Buffer.concat([row, Buffer.from([0])])
      if (region !== null) regions.push(region)
    }
    if (results.length === 0 || response.moreResultsInRegion === false) break
  }
  return regions.sort((a, b) => Buffer.compare(a.startKey, b.startKey))
}

const MAGIC_BYTES = 4

function readRow(result: Message, table: string): { row: Buffer; region: Region | null } {
  let row: Buffer = Buffer.alloc(0)
  const columns = new Map<string, Buffer>()
  for (const cell of result.cell as readonly Message[]) {
    row = bytesOf(cell.row)
    columns.set(bytesOf(cell.qualifier).toString(), bytesOf(cell.value))
  }
  const info = columns.get('regioninfo')
  const server = columns.get('server')?.toString() ?? ''
  if (info === undefined || server === '' || !row.toString('latin1').startsWith(`${table},`)) {
    return { row, region: null }
  }
  const decoded = (clientMessages.RegionInfo as MessageClass).decode(info.subarray(MAGIC_BYTES))
  if (decoded.offline === true || decoded.split === true) return { row, region: null }
  const startKey = bytesOf(decoded.startKey)
  const endKey = bytesOf(decoded.endKey)
  return { row, region: { name: row, server, startKey, endKey } }
}
