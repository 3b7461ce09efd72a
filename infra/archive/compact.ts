// Merges neighbours that are small: trainings close a range each, and a reader opens each of its files.
import type { RangeInfo } from '#ports/archive'
import type { Clock } from '#ports/clock'
import type { Files } from '#ports/files'
import type { IdSource } from '#schemas/ids'
import { rewriteRanges } from './rewrite.ts'

const MEGABYTE = 1024 * 1024
/** Ranges below it are merged … */
const SMALL_BYTES = 8 * MEGABYTE
/** … up to this size … */
const MERGED_BYTES = 64 * MEGABYTE
/** … when so many are neighbours, so that a row is written anew a few times in its life. */
const NEIGHBOURS_MIN = 8

export interface CompactOptions {
  readonly files: Files
  /** The ranges that count, in order. */
  readonly ranges: readonly RangeInfo[]
  readonly clock: Clock
  readonly ids: IdSource
  readonly signal: AbortSignal
}

/** The number of ranges that were merged into others. */
export async function compactRanges(options: CompactOptions): Promise<number> {
  const { files, clock, ids, signal } = options
  let merged = 0
  for (const run of runsOf(options.ranges)) {
    signal.throwIfAborted()
    const now = clock.now()
    const range = await rewriteRanges({
      files,
      ranges: run,
      wanted: () => true,
      change: (record) => record,
      writer: ids(now),
      now,
      signal,
    })
    if (range !== null) merged += run.length
  }
  return merged
}

/** Neighbours that are to become one range. */
export function runsOf(ranges: readonly RangeInfo[]): RangeInfo[][] {
  const runs: RangeInfo[][] = []
  let run: RangeInfo[] = []
  let bytes = 0
  const end = (): void => {
    if (run.length >= NEIGHBOURS_MIN) runs.push(run)
    run = []
    bytes = 0
  }
  for (const range of ranges) {
    const size = bytesOf(range)
    const last = run.at(-1)
    const isNext =
      last === undefined ||
      (last.generation === range.generation &&
        last.partition === range.partition &&
        last.end === range.start)
    if (!isNext || size >= SMALL_BYTES || bytes + size > MERGED_BYTES) end()
    if (size >= SMALL_BYTES) continue
    run.push(range)
    bytes += size
  }
  end()
  return runs
}

const bytesOf = ({ files }: RangeInfo): number => files.reduce((sum, { bytes }) => sum + bytes, 0)
