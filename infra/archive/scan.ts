// What a request has to read: the files of one app, in order of position, their rows numbered through.
import type { ArchiveSource, ColumnRequest, RangeInfo } from '#ports/archive'
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import { endWithoutGap } from './layout.ts'
import { type Columns, openParquet, type ParquetReader } from './parquet-reader.ts'
import type { FileColumn } from './schema.ts'

export interface Segment {
  readonly generation: number
  readonly partition: number
  /** Rows at or behind this offset do not belong to the request. */
  readonly limit: number
  /** Path of its file, and the number of its first row counted over that file. */
  readonly path: string
  readonly firstInFile: number
  readonly group: number
  readonly rows: number
  /** Number of the first row, counted over the whole scan. */
  readonly firstRow: number
  read(columns: readonly FileColumn[]): Promise<Columns>
}

export interface Scan {
  readonly segments: readonly Segment[]
  readonly rows: number
}

/**
 * Opens the footers of an app's files.
 * @throws MillraceError ARCHIVE_BEHIND when ranges below the watermark are missing, ARCHIVE_CORRUPT
 */
export async function openScan(
  files: Files,
  ranges: readonly RangeInfo[],
  { app, upTo, signal }: Omit<ColumnRequest, 'columns'>,
): Promise<Scan> {
  assertComplete(ranges, upTo)
  const segments: Segment[] = []
  let rows = 0
  for (const { generation, partition, start, files: its } of ranges) {
    const limit = limitOf(upTo, generation, partition)
    if (start >= limit) continue
    for (const file of its) {
      if (file.app !== app) continue
      signal?.throwIfAborted()
      const reader: ParquetReader = await openParquet(files, file)
      let firstInFile = 0
      for (const [group, groupRows] of reader.groups.entries()) {
        segments.push({
          generation,
          partition,
          limit,
          path: file.path,
          firstInFile,
          group,
          rows: groupRows,
          firstRow: rows,
          read: (columns) => {
            signal?.throwIfAborted()
            return reader.read(group, columns)
          },
        })
        rows += groupRows
        firstInFile += groupRows
      }
    }
  }
  return { segments, rows }
}

/** The same files by partition, unopened. @throws MillraceError ARCHIVE_BEHIND */
export function sourcesOf(
  ranges: readonly RangeInfo[],
  { app, upTo }: Pick<ColumnRequest, 'app' | 'upTo'>,
): ArchiveSource[] {
  assertComplete(ranges, upTo)
  const partitions = Map.groupBy(ranges, (range) => `${range.generation}-${range.partition}`)
  return [...partitions.values()].flatMap((its) => {
    const { generation, partition } = its[0] as RangeInfo
    const limit = limitOf(upTo, generation, partition)
    const files = its
      .filter(({ start }) => start < limit)
      .flatMap((range) => range.files.filter((file) => file.app === app))
    return files.length === 0 ? [] : [{ generation, partition, limit, files }]
  })
}

function limitOf(upTo: ColumnRequest['upTo'], generation: number, partition: number): number {
  if (generation !== upTo.generation)
    return generation < upTo.generation ? Number.POSITIVE_INFINITY : 0
  return upTo.offsets[partition] ?? 0
}

function assertComplete(ranges: readonly RangeInfo[], upTo: ColumnRequest['upTo']): void {
  for (const [partition, wanted] of upTo.offsets.entries()) {
    const its = ranges.filter((r) => r.generation === upTo.generation && r.partition === partition)
    const end = endWithoutGap(its)
    if (end < wanted) throw new MillraceError('ARCHIVE_BEHIND', { partition, end, wanted })
  }
}
