// `sync`: everything acknowledged before the call is applied by the store and index sinks and in closed ranges of the archive.
import { MillraceError } from '#ports/errors'
import type { LogReader } from '#ports/log'
import type { Json } from '#schemas/json'
import type { Watermark } from '#schemas/position'
import type { Platform } from '../platform.ts'

const TIMEOUT_MS = 300_000

export async function sync({ log, watermarks, archiveCloser }: Platform): Promise<Json> {
  const end = await endOfLog(log)
  for (const sink of ['store', 'index'] as const) {
    const applied = await watermarks.waitFor(sink, end, TIMEOUT_MS)
    if (!applied) throw new MillraceError('READ_TIMEOUT', { ms: TIMEOUT_MS })
  }
  await archiveCloser.closeAt(end)
  return { generation: end.generation, offsets: [...end.offsets] }
}

/** Includes everything that is durable in the log now. */
export async function endOfLog(log: LogReader): Promise<Watermark> {
  const { generation, partitions } = log
  const offsets = await Promise.all(Array.from({ length: partitions }, (_, p) => log.end(p)))
  return { generation, offsets }
}
