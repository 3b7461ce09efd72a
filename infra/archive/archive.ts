// The archive over the files port: ranges of the log as columns (`layout.ts` says where, `schema.ts` says which).
import type { Archive, RangeInfo } from '#ports/archive'
import type { Clock } from '#ports/clock'
import type { Files } from '#ports/files'
import type { Telemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { ORIGIN_GENERATION } from '#schemas/position'
import { readColumns, readEvents } from './column-stream.ts'
import { endWithoutGap, RANGES, rangeFolder } from './layout.ts'
import { countingOf, createRangeList } from './range-list.ts'
import { createRangeWriter } from './range-writer.ts'
import { readRecords } from './record-stream.ts'
import { sourcesOf } from './scan.ts'

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
  const ranges = createRangeList(files)
  const list = async (folder: string): Promise<RangeInfo[]> => countingOf(await ranges(folder))
  return {
    end: async (partition) => endWithoutGap(await list(rangeFolder(generation, partition))),
    openRange: async (partition, start) => {
      const writer = ids(clock.now())
      return createRangeWriter({ files, range: { generation, partition, start }, writer })
    },
    ranges: () => list(RANGES),
    columns: (request) => readColumns(files, () => list(RANGES), request),
    sources: async (request) => sourcesOf(await list(RANGES), request),
    events: (request) => readEvents(files, () => list(RANGES), request),
    records: (partition, from) =>
      readRecords(files, () => list(rangeFolder(generation, partition)), from),
    close: async () => {},
  }
}
