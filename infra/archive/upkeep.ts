// The upkeep of the archive: erased rows out, small ranges together, what nobody needs any more away. One at a time over one
// archive; readers and the archive sink go on beside it.
import type { Clock } from '#ports/clock'
import type { Files } from '#ports/files'
import { createIdSource } from '#schemas/ids'
import { compactRanges } from './compact.ts'
import { type Erased, eraseRows } from './erase-rows.ts'
import { RANGES } from './layout.ts'
import { countingOf, createRangeList } from './range-list.ts'
import { type Swept, sweepArchive } from './sweep.ts'

export interface Upkept {
  readonly erased: Erased
  /** Ranges that were merged into others. */
  readonly compacted: number
  readonly swept: Swept
}

export interface UpkeepOptions {
  readonly files: Files
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** @throws MillraceError ARCHIVE_CORRUPT, DISK_FULL */
export async function keepArchive({ files, clock, signal }: UpkeepOptions): Promise<Upkept> {
  const ids = createIdSource()
  const all = createRangeList(files)
  const list = async () => countingOf(await all(RANGES))
  const erased = await eraseRows({ files, clock, ids, signal, list, ranges: await list() })
  const compacted = await compactRanges({ files, clock, ids, signal, ranges: await list() })
  const swept = await sweepArchive({ files, clock, ranges: await all(RANGES) })
  return { erased, compacted, swept }
}
