// Removes what the archive does not need any more, a day later, when nobody reads it: ranges in whose place others stand, their
// files, and files that a crash left between writing a range's columns and publishing the range.
import type { RangeInfo } from '#ports/archive'
import type { Clock } from '#ports/clock'
import type { Files } from '#ports/files'
import { ARCHIVE, countingRanges, DAY_MS, parseColumnsPath, rangePath } from './layout.ts'

export interface SweepOptions {
  readonly files: Files
  /** Every range there is, also those in whose place others stand. */
  readonly ranges: readonly RangeInfo[]
  readonly clock: Clock
}

export interface Swept {
  readonly ranges: number
  readonly files: number
}

/** @throws MillraceError of the files port */
export async function sweepArchive({ files, ranges, clock }: SweepOptions): Promise<Swept> {
  const now = clock.now()
  const gone = ranges.filter((range) => isReplaced(range, ranges, now))
  // Ranges first: files that a crash leaves then are named by nobody, and found by that.
  for (const range of gone) await files.remove(rangePath(range))
  const left = ranges.filter((range) => !gone.includes(range))
  const named = new Set(left.flatMap((range) => range.files.map(({ path }) => path)))
  const replaced = new Set(gone.flatMap((range) => range.files.map(({ path }) => path)))
  let removed = 0
  for (const { path } of await files.list(ARCHIVE)) {
    if (named.has(path) || !(replaced.has(path) || isLeft(path, left, now))) continue
    await files.remove(path)
    removed++
  }
  return { ranges: gone.length, files: removed }
}

/** Another range of its partition has stood in its place for a day. */
function isReplaced(range: RangeInfo, ranges: readonly RangeInfo[], now: number): boolean {
  const its = ranges.filter(
    ({ generation, partition }) => generation === range.generation && partition === range.partition,
  )
  const counting = countingRanges(its)
  if (counting.includes(range)) return false
  const inPlace = counting.find(({ start, end }) => start <= range.start && range.start < end)
  return inPlace?.writtenAt !== undefined && now - inPlace.writtenAt >= DAY_MS
}

/**
 * A file that no range names and none will: it begins inside what is published, and was begun a day ago. A younger one may be
 * another writer's who is just about to publish.
 */
function isLeft(path: string, ranges: readonly RangeInfo[], now: number): boolean {
  const name = parseColumnsPath(path)
  if (name === null || now - name.begunAt < DAY_MS) return false
  return ranges.some(
    ({ generation, partition, start, end }) =>
      generation === name.generation &&
      partition === name.partition &&
      start <= name.start &&
      name.start < end,
  )
}
