// How many events of an app are behind a watermark: the rows of the archive's ranges behind it, and the events between the
// archive's end and the log's end, which are counted there without decoding them. Rows of a range include the few records
// that are no events (deletions, barriers), and repeats: the number says when a training is worth it, not what it reads.
import type { Archive } from '#ports/archive'
import type { LogReader } from '#ports/log'
import { eventAppOf } from '#schemas/codec'
import type { Watermark } from '#schemas/position'

const READ_BYTES = 1024 * 1024

export interface NewEventsRequest {
  readonly archive: Pick<Archive, 'ranges' | 'end'>
  readonly log: LogReader
  readonly app: number
  /** Null: everything is new. */
  readonly behind: Watermark | null
  /** The log is read no further when so many are found. */
  readonly enough: number
}

export async function countNewEvents(request: NewEventsRequest): Promise<number> {
  const { archive, log, app, behind, enough } = request
  let count = 0
  for (const range of await archive.ranges()) {
    if (!isBehind(range, behind)) continue
    for (const file of range.files) if (file.app === app) count += file.rows
  }
  for (let partition = 0; partition < log.partitions && count < enough; partition++) {
    const archived = await archive.end(partition)
    const trained = behind?.generation === log.generation ? (behind.offsets[partition] ?? 0) : 0
    count += await countInLog(log, partition, Math.max(archived, trained), app, enough - count)
  }
  return count
}

function isBehind(
  range: { readonly generation: number; readonly partition: number; readonly start: number },
  watermark: Watermark | null,
): boolean {
  if (watermark === null) return true
  if (range.generation !== watermark.generation) return range.generation > watermark.generation
  return range.start >= (watermark.offsets[range.partition] ?? 0)
}

async function countInLog(
  log: LogReader,
  partition: number,
  start: number,
  app: number,
  enough: number,
): Promise<number> {
  const end = await log.end(partition)
  let count = 0
  for (let from = start; from < end && count < enough; ) {
    const { records, next } = await log.read(partition, from, READ_BYTES)
    for (const { value } of records) if (eventAppOf(value) === app) count++
    // A large open range is counted beside the requests that are answered meanwhile.
    await new Promise((resolve) => setImmediate(resolve))
    from = next
  }
  return count
}
