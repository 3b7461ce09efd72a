// The archive over the files port: ranges of the log as columns (`layout.ts` says where, `schema.ts` says which).
import type { Archive, RangeInfo } from '#ports/archive'
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import type { Telemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { ORIGIN_GENERATION } from '#schemas/position'
import { readColumns, readEvents } from './column-stream.ts'
import {
  countingRanges,
  endWithoutGap,
  parseRange,
  parseRangePath,
  RANGES,
  rangeFolder,
} from './layout.ts'
import { createRangeWriter } from './range-writer.ts'
import { readRecords } from './record-stream.ts'

export interface ArchiveOptions {
  readonly files: Files
  readonly telemetry: Telemetry
  readonly clock: Clock
  /** Generation of the log that is written now. */
  readonly generation?: number
}

/** Opens no file and holds none: any number of archives may stand over the same files, in any thread. */
export function createArchive(options: ArchiveOptions): Archive {
  const { files, clock, generation = ORIGIN_GENERATION } = options
  const ids = createIdSource()
  /** Range files never change, so each is read once. */
  const known = new Map<string, RangeInfo>()

  const list = async (folder: string): Promise<RangeInfo[]> => {
    const ranges: RangeInfo[] = []
    for (const { path } of await files.list(folder)) {
      const range = known.get(path) ?? (await readRange(files, path))
      if (range === null) continue
      known.set(path, range)
      ranges.push(range)
    }
    const partitions = Map.groupBy(ranges, (range) => `${range.generation}-${range.partition}`)
    return [...partitions.values()]
      .flatMap((its) => countingRanges(its))
      .sort((a, b) => a.generation - b.generation || a.partition - b.partition || a.start - b.start)
  }
  return {
    end: async (partition) => endWithoutGap(await list(rangeFolder(generation, partition))),
    openRange: async (partition, start) => {
      const writer = ids(clock.now())
      return createRangeWriter({ files, range: { generation, partition, start }, writer })
    },
    ranges: () => list(RANGES),
    columns: (request) => readColumns(files, () => list(RANGES), request),
    events: (request) => readEvents(files, () => list(RANGES), request),
    records: (partition, from) =>
      readRecords(files, () => list(rangeFolder(generation, partition)), from),
    close: async () => {},
  }
}

async function readRange(files: Files, path: string): Promise<RangeInfo | null> {
  const name = parseRangePath(path)
  if (name === null) return null
  const bytes = await files.read(path)
  try {
    return parseRange(bytes, name)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new MillraceError('ARCHIVE_CORRUPT', { file: path, reason }, { cause: error })
  }
}
