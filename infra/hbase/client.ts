// The few operations on HBase that the event store needs, on tables whose rows hold one cell each. A cell's timestamp is a
// position, so the higher one wins whatever the order of writing; an empty value is a row that has ended.
import { randomInt } from 'node:crypto'
import type { Clock } from '#ports/clock'
import { createTables, type TableLayout } from './admin.ts'
import type { HBaseConfig } from './config.ts'
import { errorName, isPassing } from './errors.ts'
import type { Message } from './library.ts'
import { encodeMulti, type RowAction } from './multi-request.ts'
import { createRegions, type Region } from './regions.ts'
import { type KeyRange, rowOf, type ScanRange, scanRegions, scanRows } from './scan.ts'
import { createServers } from './servers.ts'
import { watchAddresses } from './zookeeper.ts'

export interface Row {
  readonly key: Buffer
  readonly value: Buffer
  readonly timestamp: number
}

export interface HBase {
  /** Rows in the order of the keys; null where there is none. */
  getMany(table: string, keys: readonly Buffer[]): Promise<readonly (Row | null)[]>
  /** Durable when it resolves. Keys may repeat: the highest timestamp wins. */
  put(table: string, rows: readonly Row[]): Promise<void>
  /** In order of the keys. */
  scan(table: string, range: ScanRange): AsyncGenerator<Row>
  /** The same rows by pages, in no order: several regions are read at once. */
  scanAll(table: string, range: KeyRange): AsyncGenerator<readonly Row[]>
  createTables(layouts: readonly TableLayout[]): Promise<void>
  close(): void
}

const CONNECT_TIMEOUT_MS = 5000
const CALL_TIMEOUT_MS = 20_000
const START_TIMEOUT_MS = 15_000
/** A region server that died is noticed after its ZooKeeper session; then its regions are opened elsewhere. */
const RETRY_FOR_MS = 120_000
const PAUSE_FIRST_MS = 50
const PAUSE_LONGEST_MS = 2000
/** Rows of one request to a server; larger ones would hold one of its few handlers long. */
const ROWS_A_REQUEST = 1000

/**
 * `jitter` gives the share of a pause that is kept, so that callers who failed together do not come back together.
 * @throws MillraceError SERVER_UNREACHABLE when ZooKeeper names no HBase
 */
export async function openHBase(
  config: HBaseConfig,
  clock: Clock,
  jitter: () => number = () => randomInt(50, 100) / 100,
): Promise<HBase> {
  const addresses = await watchAddresses(config.zooKeeper, config.root, START_TIMEOUT_MS)
  const servers = createServers({
    user: config.user,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    callTimeoutMs: CALL_TIMEOUT_MS,
  })
  const regions = createRegions(servers, addresses.meta)
  let closed = false

  /** Makes a call until it goes through, the error is none that passes, or the time is over. */
  const persist = async <T>(table: string, call: () => Promise<T>): Promise<T> => {
    const until = clock.monotonic() + RETRY_FOR_MS
    for (let pause = PAUSE_FIRST_MS; ; pause = Math.min(2 * pause, PAUSE_LONGEST_MS)) {
      try {
        return await call()
      } catch (error) {
        if (closed || !isPassing(error) || clock.monotonic() > until) throw error
        regions.forget(table)
        await clock.sleep(pause * jitter())
      }
    }
  }
  const tables = { persist, regions, servers }
  return {
    getMany: async (table, keys) => {
      const found: (Row | null)[] = new Array(keys.length).fill(null)
      const actions = keys.map((key): RowAction => ({ type: 'get', key }))
      await multi(tables, table, actions, (at, result) => {
        found[at] = result === null ? null : rowOf(result)
      })
      return found
    },
    put: async (table, rows) => {
      const actions = rows.map((row): RowAction => ({ type: 'put', row }))
      await multi(tables, table, actions, () => {})
    },
    scan: (table, range) => scanRows(tables, table, range),
    scanAll: (table, range) => scanRegions(tables, table, range),
    createTables: async (layouts) => {
      const existing = await persist('', async () =>
        createTables(await addresses.master(), config.user, layouts),
      )
      // A table that was asked for opens its regions a moment later.
      for (const { name } of existing)
        await persist(name, () => regions.locate(name, Buffer.alloc(0)))
    },
    close: () => {
      closed = true
      servers.close()
      addresses.close()
    },
  }
}

/** What operations on tables share. */
export interface Tables {
  readonly persist: <T>(table: string, call: () => Promise<T>) => Promise<T>
  readonly regions: ReturnType<typeof createRegions>
  readonly servers: ReturnType<typeof createServers>
}

/**
 * Actions gathered by server and region; those that failed with an error that passes are made again, alone. `took` gets the
 * result of the action at a place.
 */
async function multi(
  { persist, regions, servers }: Tables,
  table: string,
  actions: readonly RowAction[],
  took: (at: number, result: Message | null) => void,
): Promise<void> {
  let left = actions.map((_, at) => at)
  while (left.length > 0) {
    let now = left.slice(0, ROWS_A_REQUEST)
    left = left.slice(ROWS_A_REQUEST)
    await persist(table, async () => {
      const failed: number[] = []
      let failure: unknown
      const byServer = await gathered(regions, table, actions, now)
      await Promise.all(
        [...byServer].map(async ([server, byRegion]) => {
          const groups = [...byRegion]
          const fail = (error: unknown, places: readonly number[]): void => {
            failure = error
            failed.push(...places)
          }
          try {
            const request = encodeMulti(
              groups.map(([region, places]) => ({
                region: region.name,
                actions: places.map((at) => actions[at] as RowAction),
              })),
            )
            const response = await servers.multi(server, request)
            readResults(response, groups, took, fail)
          } catch (error) {
            if (!isPassing(error)) throw error
            fail(
              error,
              groups.flatMap(([, places]) => places),
            )
          }
        }),
      )
      now = failed
      if (failed.length > 0) throw asError(failure)
    })
  }
}

async function gathered(
  regions: Tables['regions'],
  table: string,
  actions: readonly RowAction[],
  places: readonly number[],
): Promise<Map<string, Map<Region, number[]>>> {
  const byServer = new Map<string, Map<Region, number[]>>()
  for (const at of places) {
    const action = actions[at] as RowAction
    const key = action.type === 'get' ? action.key : action.row.key
    const region = await regions.locate(table, key)
    const byRegion = byServer.get(region.server) ?? new Map<Region, number[]>()
    byServer.set(region.server, byRegion)
    const group = byRegion.get(region)
    if (group === undefined) byRegion.set(region, [at])
    else group.push(at)
  }
  return byServer
}

function readResults(
  response: Message,
  groups: readonly (readonly [Region, number[]])[],
  took: (at: number, result: Message | null) => void,
  fail: (error: unknown, places: readonly number[]) => void,
): void {
  const results = response.regionActionResult as readonly Message[]
  for (const [number, [, places]] of groups.entries()) {
    const result = results[number]
    if (result === undefined || result.exception) {
      fail(result?.exception ?? { name: 'CallDropped' }, places)
      continue
    }
    const answered = new Set<number>()
    for (const [order, one] of (result.resultOrException as readonly Message[]).entries()) {
      const at = places[typeof one.index === 'number' ? one.index : order] as number
      answered.add(at)
      if (one.exception) fail(one.exception, [at])
      else took(at, (one.result as Message | null) ?? null)
    }
    const silent = places.filter((at) => !answered.has(at))
    if (silent.length > 0) fail({ name: 'CallDropped' }, silent)
  }
}

function asError(failure: unknown): Error {
  return failure instanceof Error
    ? failure
    : Object.assign(new Error(errorName(failure)), { name: errorName(failure) })
}
