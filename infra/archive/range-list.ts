// The ranges there are, as their files say.
import type { RangeInfo } from '#ports/archive'
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import { countingRanges, parseRange, parseRangePath } from './layout.ts'

/** Lists ranges below a folder, also those in whose place others stand. Range files never change, so each is read once. */
export function createRangeList(files: Files): (folder: string) => Promise<RangeInfo[]> {
  let known = new Map<string, RangeInfo>()
  return async (folder) => {
    const found = new Map<string, RangeInfo>()
    for (const { path } of await files.list(folder)) {
      const range = known.get(path) ?? (await readRange(files, path))
      if (range !== null) found.set(path, range)
    }
    const others = [...known].filter(([path]) => !path.startsWith(`${folder}/`))
    known = new Map([...others, ...found])
    return [...found.values()]
  }
}

/** Those that count, in order. */
export function countingOf(ranges: readonly RangeInfo[]): RangeInfo[] {
  const partitions = Map.groupBy(ranges, (range) => `${range.generation}-${range.partition}`)
  return [...partitions.values()]
    .flatMap((its) => countingRanges(its))
    .sort((a, b) => a.generation - b.generation || a.partition - b.partition || a.start - b.start)
}

/** null for a file that is no range, and for one that was swept since it was listed. */
async function readRange(files: Files, path: string): Promise<RangeInfo | null> {
  const name = parseRangePath(path)
  if (name === null) return null
  try {
    return parseRange(await files.read(path), name)
  } catch (error) {
    if (error instanceof MillraceError) {
      if (error.code === 'FILE_NOT_FOUND') return null
      throw error
    }
    const reason = error instanceof Error ? error.message : String(error)
    throw new MillraceError('ARCHIVE_CORRUPT', { file: path, reason }, { cause: error })
  }
}
