// Where the archive's files lie, and which of them count.
//
//   archive/<app>/<day of ingest>/<generation>-<partition>-<start>-<writer>.parquet    columns of one app
//   ranges/<generation>-<partition>/<start>.json                                       a range: [start, end), its files
//   ranges/<generation>-<partition>/<start>.<revision>.json                            the same, compacted or erased
//   swept/<generation>-<partition>/<offset>.json                                       erasures below it are done (`erase-rows.ts`)
//
// A range exists from the moment its .json does, and that file never replaces another: of two writers that began at one
// place the second learns it and throws its files away.
import type { RangeInfo } from '#ports/archive'

export const RANGES = 'ranges'
export const ARCHIVE = 'archive'

/** Offsets are padded so that names sort as numbers do. */
const OFFSET_DIGITS = 15
export const DAY_MS = 86_400_000

export interface RangeName {
  readonly generation: number
  readonly partition: number
  readonly start: number
  readonly revision: number
}

export const padded = (offset: number): string => String(offset).padStart(OFFSET_DIGITS, '0')

export function rangeFolder(generation: number, partition: number): string {
  return `${RANGES}/${generation}-${partition}`
}

export function rangePath({ generation, partition, start, revision }: RangeName): string {
  const suffix = revision === 0 ? '' : `.${revision}`
  return `${rangeFolder(generation, partition)}/${padded(start)}${suffix}.json`
}

const RANGE_PATH = /^ranges\/(\d+)-(\d+)\/(\d+)(?:\.(\d+))?\.json$/

/** null for a file that is no range. */
export function parseRangePath(path: string): RangeName | null {
  const match = RANGE_PATH.exec(path)
  if (match === null) return null
  const [, generation, partition, start, revision] = match
  return {
    generation: Number(generation),
    partition: Number(partition),
    start: Number(start),
    revision: Number(revision ?? 0),
  }
}

export function columnsPath(
  range: Omit<RangeName, 'revision'>,
  app: number,
  day: string,
  writer: string,
): string {
  const name = `${range.generation}-${range.partition}-${padded(range.start)}-${writer}`
  return `${ARCHIVE}/${app}/${day}/${name}.parquet`
}

const COLUMNS_PATH = /^archive\/\d+\/[^/]+\/(\d+)-(\d+)-(\d+)-([^/]+)\.parquet$/

export interface ColumnsName extends Omit<RangeName, 'revision'> {
  /** When its writer began; 0 when its name does not tell. */
  readonly begunAt: number
}

/** Digits of a writer's id (a UUIDv7) that are its time. */
const TIME_DIGITS = /^[0-9a-f]{12}/

/** null for a file that is none of ours. */
export function parseColumnsPath(path: string): ColumnsName | null {
  const match = COLUMNS_PATH.exec(path)
  if (match === null) return null
  const [, generation, partition, start, writer = ''] = match
  const begunAt = Number.parseInt(TIME_DIGITS.exec(writer)?.[0] ?? '0', 16)
  const place = { generation: Number(generation), partition: Number(partition) }
  return { ...place, start: Number(start), begunAt }
}

/** The UTC day of a time, `2024-01-31`. */
export function dayOf(time: number): string {
  return new Date(Math.floor(time / DAY_MS) * DAY_MS).toISOString().slice(0, 10)
}

/**
 * The ranges that count, of one partition of one generation: of each start the highest revision; starts inside a range
 * that counts are skipped. In order of start; there may be gaps.
 */
export function countingRanges<T extends RangeName & { readonly end: number }>(
  ranges: readonly T[],
): T[] {
  const sorted = ranges.toSorted((a, b) => a.start - b.start || b.revision - a.revision)
  const counting: T[] = []
  let covered = 0
  for (const range of sorted) {
    if (counting.length > 0 && range.start < covered) continue
    counting.push(range)
    covered = range.end
  }
  return counting
}

/** End of what is archived without a gap from the first record on. */
export function endWithoutGap(
  counting: readonly { readonly start: number; readonly end: number }[],
): number {
  let end = 0
  for (const range of counting) {
    if (range.start > end) break
    end = range.end
  }
  return end
}

export function formatRange(range: RangeInfo): Buffer {
  return Buffer.from(`${JSON.stringify(range, null, 1)}\n`, 'utf8')
}

/** @throws Error that says what is wrong with it */
export function parseRange(bytes: Uint8Array, name: RangeName): RangeInfo {
  const range = JSON.parse(Buffer.from(bytes).toString('utf8')) as RangeInfo
  const same =
    range.generation === name.generation &&
    range.partition === name.partition &&
    range.start === name.start &&
    range.revision === name.revision
  if (!same) throw new Error('it does not belong under this name')
  if (!Number.isSafeInteger(range.end) || range.end < range.start)
    throw new Error('its end is wrong')
  if (!Array.isArray(range.files)) throw new Error('it names no files')
  return range
}
