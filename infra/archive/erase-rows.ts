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
import { createNotes, type Notes, type Place } from './ending-notes.ts'
import { identityNumber } from './identity.ts'
import { padded } from './layout.ts'
import { findDead } from './liveness.ts'
import { type Columns, openParquet } from './parquet-reader.ts'
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
    const endings = await readEndings(options, its, swept)
    const ended = new Map<string, EndedRows>()
    for (const app of endings.apps) await findEnded(options, app, endings, ended)
    let isDone = true
    for (const range of ranges) {
      const rows = await eraseIn(options, range, endings, ended)
      // Somebody put another range there meanwhile: the next time.
      if (rows === null) isDone = false
      else if (rows > 0) {
        erased.ranges++
        erased.rows += rows
      }
    }
    if (isDone) await markSwept(files, name, end)
  }
  return erased
}

/** Endings by app and channel; those of all channels of an app under `ALL_CHANNELS`. */
interface Endings {
  readonly apps: ReadonlySet<number>
  of(app: number, channel: number): readonly Notes[]
}

async function readEndings(
  { files, signal }: EraseOptions,
  ranges: readonly RangeInfo[],
  from: number,
): Promise<Endings> {
  const apps = new Set<number>()
  const notes = new Map<string, Notes>()
  for (const range of ranges) {
    if (range.end <= from) continue
    for (const file of range.files) {
      signal.throwIfAborted()
      const reader = await openParquet(files, file)
      for (const group of reader.groups.keys()) {
        const kinds = (await reader.read(group, ['kind'])).text('kind')
        const rows = [...kinds.keys()].filter((row) => isEnding(kinds[row]))
        if (rows.length === 0) continue
        const columns = await reader.read(group, ['kind', 'channel', 'offset', 'properties'])
        for (const row of rows) {
          const offset = columns.numbers('offset')[row] as number
          if (offset < from) continue
          apps.add(file.app)
          const key = `${file.app}/${columns.numbers('channel')[row]}`
          const its = notes.get(key) ?? createNotes()
          notes.set(key, its)
          its.add({ ...placeOf(range), offset }, hashIn(columns, row))
        }
      }
    }
  }
  const some = (key: string): readonly Notes[] => {
    const found = notes.get(key)
    return found === undefined ? [] : [found]
  }
  return {
    apps,
    of: (app, channel) => [...some(`${app}/${channel}`), ...some(`${app}/${ALL_CHANNELS}`)],
  }
}

const isEnding = (kind: string | null | undefined): boolean =>
  kind === 'erasure' || kind === 'data-delete'

/** The hash an erasure names; null in a data-delete. */
function hashIn(columns: Columns, row: number): string | null {
  if (columns.text('kind')[row] === 'data-delete') return null
  const properties = JSON.parse(columns.text('properties')[row] ?? '{}') as { entityHash: string }
  return properties.entityHash
}

const placeOf = ({ generation, partition }: Pick<RangeInfo, 'generation' | 'partition'>) => ({
  generation,
  partition,
})

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
    await eachEnded(segment, app, endings, (row, channel, isEvent) => {
      channels.add(channel)
      all.set(segment.firstRow + row)
      if (!isEvent) deletions.set(segment.firstRow + row)
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
  visit: (row: number, channel: number, isEvent: boolean) => void,
): Promise<void> {
  const columns = await segment.read(LOOKED_AT)
  const kinds = columns.text('kind')
  const channels = columns.numbers('channel')
  const offsets = columns.numbers('offset')
  const hashesOf = hashesIn(columns)
  for (let row = 0; row < columns.rows; row++) {
    const kind = kinds[row]
    if (kind !== 'event' && kind !== 'deletion') continue
    const channel = channels[row] as number
    const place = { ...placeOf(segment), offset: offsets[row] as number }
    const notes = endings.of(app, channel)
    if (notes.some((its) => its.ends(place, null, () => hashesOf(row)))) {
      visit(row, channel, kind === 'event')
    }
  }
}

/** Rewrites a range if rows of it were ended: how many, and null when another was faster. */
async function eraseIn(
  { files, clock, ids, signal }: EraseOptions,
  range: RangeInfo,
  endings: Endings,
  ended: ReadonlyMap<string, EndedRows>,
): Promise<number | null> {
  const rows = range.files.reduce((sum, { path }) => sum + (ended.get(path)?.count ?? 0), 0)
  if (rows === 0) return 0
  const now = clock.now()
  const rewritten = await rewriteRanges({
    files,
    ranges: [range],
    wanted: ({ path }) => ended.has(path),
    change: (record, { path, row, offset }) => {
      const its = ended.get(path)
      if (its?.rows.has(row) !== true) return record
      if (its.gone.has(row) || record.kind !== 'event') return null
      return remains(record, endings, { ...placeOf(range), offset })
    },
    writer: ids(now),
    now,
    signal,
  })
  return rewritten === null ? null : rows
}

function hashesIn(columns: Columns): (row: number) => readonly string[] {
  const types = columns.text('entityType')
  const ids = columns.text('entityId')
  const targetTypes = columns.text('targetEntityType')
  const targetIds = columns.text('targetEntityId')
  return (row) => {
    const entity = entityHash(types[row] ?? '', ids[row] ?? '')
    const [type, id] = [targetTypes[row], targetIds[row]]
    return type == null || id == null ? [entity] : [entity, entityHash(type, id)]
  }
}

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
    targetEntityType: keepsTarget ? type : null,
    targetEntityId: keepsTarget ? id : null,
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
