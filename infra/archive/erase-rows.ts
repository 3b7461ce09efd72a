// Takes out of the archive's files what erasures and data-deletes have ended: of an event a tombstone stays, which names nobody,
// of a deletion, or an event that never counted, nothing. How far a partition was swept is itself a file, so that old ranges are looked at once an erasure:
//
//   swept/<generation>-<partition>/<offset>.json      endings below this offset are done
import type { RangeInfo } from '#ports/archive'
import type { Clock } from '#ports/clock'
import type { Files } from '#ports/files'
import { appendOf } from '#schemas/effective'
import { entityHash } from '#schemas/hashes'
import { appendName, identityHash } from '#schemas/identity-hash'
import type { IdSource } from '#schemas/ids'
import type { EventRecord, TombstoneRecord } from '#schemas/record'
import { type Bits, createBits } from './bits.ts'
import type { Place } from './ending-notes.ts'
import { type Endings, placeOf, readEndings } from './endings.ts'
import { identityNumber } from './identity.ts'
import { padded, rangePath } from './layout.ts'
import { findDead } from './liveness.ts'
import type { Columns } from './parquet-reader.ts'
import { rewriteRanges } from './rewrite.ts'
import { ALL_CHANNELS } from './row-group.ts'
import { openScan, type Segment } from './scan.ts'

const SWEPT = 'swept'
const LOOKED_AT = [
  'kind',
  'channel',
  'offset',
  'entityType',
  'entityId',
  'targetEntityType',
  'targetEntityId',
] as const

export interface EraseOptions {
  readonly files: Files
  /** The ranges that count. */
  readonly ranges: readonly RangeInfo[]
  readonly clock: Clock
  readonly ids: IdSource
  readonly signal: AbortSignal
  /** The ranges that count now. */
  readonly list: () => Promise<readonly RangeInfo[]>
}

export interface Erased {
  /** Ranges that were written anew, and rows in them that are tombstones or gone. */
  readonly ranges: number
  readonly rows: number
}

/** @throws MillraceError ARCHIVE_CORRUPT, DISK_FULL */
export async function eraseRows(options: EraseOptions): Promise<Erased> {
  const { files, ranges } = options
  const erased = { ranges: 0, rows: 0 }
  const partitions = Map.groupBy(ranges, (r) => `${r.generation}-${r.partition}`)
  for (const [name, its] of partitions) {
    const swept = await sweptTo(files, name)
    const end = its.at(-1)?.end ?? 0
    if (end <= swept) continue
    const endings = await readEndings(files, its, swept, options.signal)
    const ended = new Map<string, EndedRows>()
    for (const app of endings.apps) await findEnded(options, app, endings, ended)
    const written: RangeInfo[] = []
    for (const range of ranges) {
      const rows = rowsIn(range, ended)
      if (rows === 0) continue
      const rewritten = await eraseIn(options, range, endings, ended)
      if (rewritten === null) continue
      written.push(rewritten)
      erased.ranges++
      erased.rows += rows
    }
    // Where somebody else put another range meanwhile, the rows may be in that one: then the next upkeep looks again.
    const wanted = ranges.filter((range) => rowsIn(range, ended) > 0).length
    if (written.length === wanted && allCount(written, await options.list())) {
      await markSwept(files, name, end)
    }
  }
  return erased
}

/** Rows of one file that were ended or never counted, by their number in it. */
interface EndedRows {
  readonly rows: Bits
  /** Those of them that leave no tombstone: deletions, and events that never counted. */
  readonly gone: Bits
  count: number
}

/** Finds the events and deletions of an app that endings behind them have ended, by file. */
async function findEnded(
  { files, ranges, signal }: EraseOptions,
  app: number,
  endings: Endings,
  found: Map<string, EndedRows>,
): Promise<void> {
  const scan = await openScan(files, ranges, {
    app,
    channel: ALL_CHANNELS,
    upTo: EVERYTHING,
    signal,
  })
  const channels = new Set<number>()
  const all = createBits(scan.rows)
  const deletions = createBits(scan.rows)
  for (const segment of scan.segments) {
    await eachEnded(segment, app, endings, (row, channel, kind) => {
      if (kind === 'event') channels.add(channel)
      all.set(segment.firstRow + row)
      if (kind === 'deletion') deletions.set(segment.firstRow + row)
    })
  }
  const refused = createBits(scan.rows)
  for (const channel of channels) await findDead(scan, { channel, refused })
  const sizes = new Map(ranges.flatMap(({ files: its }) => its.map((f) => [f.path, f.rows])))
  for (const { path, firstRow, firstInFile, rows } of scan.segments) {
    for (let row = 0; row < rows; row++) {
      const number = firstRow + row
      // What was refused because of an event that is no more would count without it.
      if (!all.has(number) && !refused.has(number)) continue
      const size = sizes.get(path) ?? 0
      const its = found.get(path) ?? { rows: createBits(size), gone: createBits(size), count: 0 }
      found.set(path, its)
      its.count++
      its.rows.set(firstInFile + row)
      if (deletions.has(number) || refused.has(number)) its.gone.set(firstInFile + row)
    }
  }
}

const EVERYTHING = { generation: Number.POSITIVE_INFINITY, offsets: [] }

async function eachEnded(
  segment: Segment,
  app: number,
  endings: Endings,
  visit: (row: number, channel: number, kind: string) => void,
): Promise<void> {
  const columns = await segment.read(LOOKED_AT)
  const kinds = columns.text('kind')
  const channels = columns.numbers('channel')
  const offsets = columns.numbers('offset')
  const targets = columns.text('targetEntityId')
  const hashesOf = hashesIn(columns)
  for (let row = 0; row < columns.rows; row++) {
    const kind = kinds[row]
    if (kind !== 'event' && kind !== 'deletion' && kind !== 'tombstone') continue
    // Of an earlier erasure: what it tells of may have to go now.
    if (kind === 'tombstone' && targets[row] == null) continue
    const channel = channels[row] as number
    const place = { ...placeOf(segment), offset: offsets[row] as number }
    const notes = endings.of(app, channel)
    if (notes.some((its) => its.ends(place, null, () => hashesOf(row)))) {
      visit(row, channel, kind)
    }
  }
}

function rowsIn(range: RangeInfo, ended: ReadonlyMap<string, EndedRows>): number {
  return range.files.reduce((sum, { path }) => sum + (ended.get(path)?.count ?? 0), 0)
}

function allCount(written: readonly RangeInfo[], counting: readonly RangeInfo[]): boolean {
  const paths = new Set(counting.map(rangePath))
  return written.every((range) => paths.has(rangePath(range)))
}

/** Rewrites a range without the rows that were ended; null when another was faster. */
async function eraseIn(
  { files, clock, ids, signal }: EraseOptions,
  range: RangeInfo,
  endings: Endings,
  ended: ReadonlyMap<string, EndedRows>,
): Promise<RangeInfo | null> {
  const now = clock.now()
  return rewriteRanges({
    files,
    ranges: [range],
    wanted: ({ path }) => ended.has(path),
    change: (record, { path, row, offset }) => {
      const its = ended.get(path)
      if (its?.rows.has(row) !== true) return record
      if (its.gone.has(row)) return null
      if (record.kind === 'tombstone') return { ...record, ...NO_TARGET }
      return record.kind === 'event'
        ? remains(record, endings, { ...placeOf(range), offset })
        : null
    },
    writer: ids(now),
    now,
    signal,
  })
}

function hashesIn(columns: Columns): (row: number) => readonly string[] {
  const types = columns.text('entityType')
  const ids = columns.text('entityId')
  const targetTypes = columns.text('targetEntityType')
  const targetIds = columns.text('targetEntityId')
  return (row) => {
    const named = [
      [types[row], ids[row]],
      [targetTypes[row], targetIds[row]],
    ] as const
    return named.flatMap(([type, id]) => (type == null || id == null ? [] : entityHash(type, id)))
  }
}

const NO_TARGET = { targetEntityType: null, targetEntityId: null }

/** What stays of an event that counted and was ended. */
function remains(record: EventRecord, endings: Endings, place: Place): TombstoneRecord {
  const { app, channel, event } = record
  const { entityType, entityId, eventId, targetEntityType: type, targetEntityId: id } = event
  const goes = (hash: string): boolean =>
    endings.of(app, channel).some((notes) => notes.ends(place, null, () => [hash]))
  const keepsTarget = type !== null && id !== null && !goes(entityHash(type, id))
  return {
    kind: 'tombstone',
    app,
    channel,
    identity: identityHash(entityType, entityId, eventId).toString('hex'),
    number: identityNumber(entityType, entityId, eventId),
    append: appendName(appendOf(record)),
    event: event.event,
    ...(keepsTarget ? { targetEntityType: type, targetEntityId: id } : NO_TARGET),
    creationTime: event.creationTime,
  }
}

async function sweptTo(files: Files, partition: string): Promise<number> {
  const offsets = (await files.list(`${SWEPT}/${partition}`)).map(({ path }) =>
    Number(/\/(\d+)\.json$/.exec(path)?.[1] ?? 0),
  )
  return Math.max(0, ...offsets)
}

async function markSwept(files: Files, partition: string, end: number): Promise<void> {
  const folder = `${SWEPT}/${partition}`
  const path = `${folder}/${padded(end)}.json`
  await (await files.create(path)).commit()
  for (const other of await files.list(folder)) {
    if (other.path < path) await files.remove(other.path)
  }
}
