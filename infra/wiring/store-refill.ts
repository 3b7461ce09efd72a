// A store that a stop of the machine has torn is made anew, and the log may begin behind its place by now: then the archive has
// what is missing.
import type { Clock } from '#ports/clock'
import type { FillableStoreWriter } from '#ports/event-store'
import type { LogReader } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import { createStoreFill } from '../../streams/fill-store.ts'
import { createArchive } from '../archive/archive.ts'
import { type FilesPlace, openFilesAt } from './files-place.ts'

export interface RefillOptions {
  readonly writer: FillableStoreWriter
  readonly log: LogReader
  readonly filesPlace: FilesPlace
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** Brings the store to where the log begins, if it is behind. @throws MillraceError ARCHIVE_CORRUPT, STORE_FAILED, DISK_FULL */
export async function refillStore(options: RefillOptions): Promise<void> {
  const { writer, log, filesPlace, clock, telemetry } = options
  const { generation, partitions } = log
  const starts = await Promise.all(Array.from({ length: partitions }, (_, p) => log.start(p)))
  const { offsets } = await writer.committed()
  if (starts.every((start, p) => start <= (offsets[p] ?? 0))) return
  telemetry.log('warn', 'store-refilled', { from: offsets, to: starts })
  const files = await openFilesAt(filesPlace, clock)
  const archive = createArchive({ files, telemetry, clock, generation })
  try {
    const { signal } = new AbortController()
    const fill = await createStoreFill({ archive, log, writer, signal, onProgress: () => {} })
    await fill.to(starts)
    // The letters of those it refused were written before.
    await writer.buried(await writer.unburied())
    await writer.flushed()
  } finally {
    await archive.close()
    await files.close()
  }
}
