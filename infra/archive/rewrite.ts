// Puts ranges in the place of others: one of the same place with some rows gone, or one of several neighbours. The old ranges and
// their files stay until `sweep.ts` takes them, since somebody may be reading them.
import type { RangeInfo } from '#ports/archive'
import type { Files, FileWriter } from '#ports/files'
import type { ArchivedRecord } from '#schemas/record'
import { columnsPath, formatRange, rangePath } from './layout.ts'
import { createParquetFile, fileMetadata, type ParquetFile } from './parquet-file.ts'
import { openParquet } from './parquet-reader.ts'
import { recordReader } from './record-reader.ts'
import { RowGroup } from './row-group.ts'
import { FILE_COLUMNS } from './schema.ts'

type FileInfo = RangeInfo['files'][number]

export interface RewriteOptions {
  readonly files: Files
  /** Neighbours, in order; the new range reaches from the first one's start to the last one's end. */
  readonly ranges: readonly RangeInfo[]
  /** Files to be written anew; the others are named by the new range too. */
  readonly wanted: (file: FileInfo) => boolean
  /** What stands in the place of a record; null for nothing. */
  readonly change: (record: ArchivedRecord, at: RowPlace) => ArchivedRecord | null
  /** Tells the new files from those of others. */
  readonly writer: string
  readonly now: number
  readonly signal: AbortSignal
}

export interface RowPlace {
  readonly path: string
  /** Number of the row in its file. */
  readonly row: number
  readonly offset: number
}

/** The new range; null when somebody else was faster, or a range changed meanwhile. */
export async function rewriteRanges(options: RewriteOptions): Promise<RangeInfo | null> {
  const { files, ranges, now } = options
  const [first] = ranges
  const last = ranges.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('no ranges to rewrite')
  const kept = ranges.flatMap((range) => range.files.filter((file) => !options.wanted(file)))
  const times = (pick: (range: RangeInfo) => number | null): number[] =>
    ranges.flatMap((range) => pick(range) ?? [])
  const min = times(({ minTime }) => minTime)
  const max = times(({ maxTime }) => maxTime)
  const written = await writeFiles(options, first)
  const info: RangeInfo = {
    ...first,
    end: last.end,
    revision: first.revision + 1,
    files: [...kept, ...written].sort(byApp),
    minTime: min.length === 0 ? null : Math.min(...min),
    maxTime: max.length === 0 ? null : Math.max(...max),
    writtenAt: now,
  }
  if (await stillCount(files, ranges)) {
    const file = await files.create(rangePath(info))
    await file.write(formatRange(info))
    if (await file.commit()) return info
  }
  for (const { path } of written) await files.remove(path)
  return null
}

/** False when somebody else has put a range in the place of one of them. */
async function stillCount(files: Files, ranges: readonly RangeInfo[]): Promise<boolean> {
  for (const range of ranges) {
    const next = rangePath({ ...range, revision: range.revision + 1 })
    if ((await files.stat(next)) !== null) return false
  }
  return true
}

/** Stable: the files of one app stay in order of position. */
const byApp = (a: FileInfo, b: FileInfo): number => a.app - b.app

async function writeFiles(options: RewriteOptions, first: RangeInfo): Promise<FileInfo[]> {
  const output = createOutput(options, first)
  try {
    for (const { files: its } of options.ranges) {
      for (const file of its) if (options.wanted(file)) await copyFile(options, file, output)
    }
    return await output.finish()
  } catch (error) {
    await output.abort()
    throw error
  }
}

async function copyFile(
  { files, change, signal }: RewriteOptions,
  file: FileInfo,
  output: Output,
): Promise<void> {
  const reader = await openParquet(files, file)
  let first = 0
  for (const group of reader.groups.keys()) {
    signal.throwIfAborted()
    const columns = await reader.read(group, FILE_COLUMNS)
    const read = recordReader(file.app, columns)
    const offsets = columns.numbers('offset')
    for (let row = 0; row < columns.rows; row++) {
      const offset = offsets[row] as number
      const record = change(read(row), { path: file.path, row: first + row, offset })
      if (record !== null) await output.add(file, record, offset)
    }
    first += columns.rows
  }
}

interface Output {
  add(source: FileInfo, record: ArchivedRecord, offset: number): Promise<void>
  finish(): Promise<FileInfo[]>
  abort(): Promise<void>
}

interface OpenFile {
  readonly app: number
  readonly day: string
  readonly path: string
  readonly group: RowGroup
  readonly writer: FileWriter
  readonly parquet: ParquetFile
}

/** One file an app and day, as the range writer has them; a row group of each app in memory. */
function createOutput({ files, writer }: RewriteOptions, range: RangeInfo): Output {
  const open = new Map<number, OpenFile>()
  const finished: { readonly file: OpenFile; readonly info: FileInfo }[] = []
  let count = 0
  const begin = async (app: number, day: string): Promise<OpenFile> => {
    const path = columnsPath(range, app, day, `${writer}-${count++}`)
    const file = await files.create(path)
    const parquet = await createParquetFile(file, fileMetadata(app, range))
    const begun = { app, day, path, group: new RowGroup(), writer: file, parquet }
    open.set(app, begun)
    return begun
  }
  const flush = async ({ group, parquet }: OpenFile): Promise<void> => {
    if (group.rows > 0) await parquet.writeGroup(group)
    group.clear()
  }
  const end = async (file: OpenFile): Promise<void> => {
    await flush(file)
    await file.parquet.finish()
    open.delete(file.app)
    const { app, day, path, parquet } = file
    finished.push({ file, info: { path, app, day, rows: parquet.rows, bytes: parquet.bytes } })
  }
  return {
    add: async ({ app, day }, record, offset) => {
      let file = open.get(app)
      // Days never step back in an app's files, whatever the clock did.
      if (file !== undefined && file.day < day) await end(file)
      file = open.get(app) ?? (await begin(app, day))
      file.group.add({ generation: range.generation, partition: range.partition, offset, record })
      if (file.group.full) await flush(file)
    },
    finish: async () => {
      for (const file of [...open.values()]) await end(file)
      for (const { file } of finished) await file.writer.commit()
      return finished.map(({ info }) => info)
    },
    abort: async () => {
      const all = [...open.values(), ...finished.map(({ file }) => file)]
      await Promise.all(all.map((file) => file.writer.abort()))
    },
  }
}
