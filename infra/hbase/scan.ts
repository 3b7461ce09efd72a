// Scans without a scanner on the server: each page is a request that says where it begins, so that nothing is lost when a region
// moves, is split or loses its server in between.
import type { Row, Tables } from './client.ts'
import { bytesOf, type Message, numberOf } from './library.ts'
import { FAMILY } from './multi-request.ts'
import { readAhead } from './read-ahead.ts'
import { sideBySide } from './side-by-side.ts'

export interface KeyRange {
  /** Inclusive. Empty: from the first row. */
  readonly start: Buffer
  /** Exclusive. Empty: to the end. */
  readonly stop: Buffer
}

/** When `reversed`, `start` is the greater end, and empty for the last row of all. */
export interface ScanRange extends KeyRange {
  readonly reversed?: boolean
  /** Rows asked for at once. */
  readonly batch?: number
  /** The reader wants all: the next page is asked for while it is busy with one. */
  readonly readsAll?: boolean
}

const SCAN_BATCH = 1000
/** Regions that are read at once; a page of each is in memory. */
const REGIONS_AT_ONCE = 8

/** The one cell of a row; null when there is none. */
export function rowOf(result: Message | null | undefined): Row | null {
  const [cell] = (result?.cell ?? []) as readonly Message[]
  if (cell === undefined) return null
  return {
    key: bytesOf(cell.row),
    value: bytesOf(cell.value),
    timestamp: numberOf(cell.timestamp),
  }
}

/** Rows in order of their keys. */
export async function* scanRows(
  tables: Tables,
  table: string,
  range: ScanRange,
): AsyncGenerator<Row> {
  const pages = scanPages(tables, table, range)
  for await (const page of range.readsAll ? readAhead(pages) : pages) yield* page
}

/** Each page says where it begins. */
async function* scanPages(
  { persist, regions, servers }: Tables,
  table: string,
  { start, stop, reversed = false, batch = SCAN_BATCH }: ScanRange,
): AsyncGenerator<readonly Row[]> {
  let from = start
  let includeStartRow = true
  /** The place is the end of a region that was read: the next row is in the one before it. */
  let before = reversed && start.length === 0
  for (;;) {
    const place = { from, includeStartRow, before }
    const { region, response } = await persist(table, async () => {
      const region = await regions.locate(table, place.from, place.before)
      const response = await servers.call(region.server, 'Scan', {
        region: { type: 'REGION_NAME', value: region.name },
        numberOfRows: batch,
        closeScanner: true,
        scan: {
          startRow: place.from,
          includeStartRow: place.includeStartRow,
          reversed,
          column: [{ family: FAMILY }],
          ...(stop.length > 0 && { stopRow: stop }),
        },
      })
      return { region, response }
    })
    const page = (response.results as readonly Message[]).flatMap((result) => rowOf(result) ?? [])
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (response.moreResults === false) return
    if (last !== undefined && response.moreResultsInRegion !== false) {
      // Full by count, size or time: the same region has more.
      from = last.key
      includeStartRow = false
      before = false
    } else {
      const edge = reversed ? region.startKey : region.endKey
      if (edge.length === 0 || isBeyond(edge, stop, reversed)) return
      from = edge
      includeStartRow = !reversed
      before = reversed
    }
  }
}

/** Nothing of the range is left on the other side of a region's edge. */
function isBeyond(edge: Buffer, stop: Buffer, reversed: boolean): boolean {
  if (stop.length === 0) return false
  return reversed ? Buffer.compare(stop, edge) >= 0 : Buffer.compare(stop, edge) <= 0
}

/** Pages of a range in no order: each region it lies in is read on its own, several at once. */
export async function* scanRegions(
  tables: Tables,
  table: string,
  range: KeyRange,
): AsyncGenerator<readonly Row[]> {
  const regions = await tables.persist(table, () => tables.regions.all(table))
  const cuts = regions.map(({ startKey }) => startKey)
  yield* sideBySide(
    partsOf(range, cuts).map((part) => scanPages(tables, table, part)),
    REGIONS_AT_ONCE,
  )
}

/**
 * A range cut where regions begin. Only where they begin counts: so the parts are the whole range, each row in one of them, also
 * when regions have changed since.
 */
export function partsOf({ start, stop }: KeyRange, cuts: readonly Buffer[]): KeyRange[] {
  const inside = cuts.filter(
    (cut) => Buffer.compare(start, cut) < 0 && (stop.length === 0 || Buffer.compare(cut, stop) < 0),
  )
  return [start, ...inside].map((from, at) => ({ start: from, stop: inside[at] ?? stop }))
}
