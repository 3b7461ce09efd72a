// Every record of a partition as it stood in the log, for replay. A range keeps each app in files of its own; here they
// are put back into one order.
import type { RangeInfo } from '#ports/archive'
import { MillraceError } from '#ports/errors'
import type { Files } from '#ports/files'
import type { ArchivedRecord, Placed } from '#schemas/record'
import { openParquet, type ParquetReader } from './parquet-reader.ts'
import { recordReader } from './record-reader.ts'
import { FILE_COLUMNS } from './schema.ts'

const BATCH = 1000

/** Rows of one app's files of one range, one row group in memory. */
interface Cursor {
  readonly app: number
  readonly readers: ParquetReader[]
  group: number
  row: number
  offsets: Float64Array
  read: (row: number) => ArchivedRecord
}

export async function* readRecords(
  files: Files,
  ranges: () => Promise<readonly RangeInfo[]>,
  from: number,
): AsyncGenerator<readonly Placed<ArchivedRecord>[]> {
  let next = from
  for (const range of await ranges()) {
    if (range.end <= next) continue
    if (range.start > next) throw gap(range, next)
    for await (const batch of readRange(files, range)) {
      const wanted = batch.filter(({ offset }) => offset >= next)
      if (wanted.length > 0) yield wanted
    }
    next = range.end
  }
}

function gap({ generation, partition, start }: RangeInfo, next: number): MillraceError {
  const reason = `offsets ${next} to ${start} are missing before it`
  return new MillraceError('ARCHIVE_CORRUPT', {
    file: `range ${generation}-${partition} from ${start}`,
    reason,
  })
}

async function* readRange(
  files: Files,
  range: RangeInfo,
): AsyncGenerator<readonly Placed<ArchivedRecord>[]> {
  const { generation, partition } = range
  const cursors: Cursor[] = []
  for (const [app, its] of Map.groupBy(range.files, (file) => file.app)) {
    const readers: ParquetReader[] = []
    for (const file of its) readers.push(await openParquet(files, file))
    const cursor: Cursor = {
      app,
      readers,
      group: -1,
      row: 0,
      offsets: new Float64Array(0),
      read: () => {
        throw new RangeError('no row group was read')
      },
    }
    if (await advance(cursor)) cursors.push(cursor)
  }
  let batch: Placed<ArchivedRecord>[] = []
  while (cursors.length > 0) {
    const cursor = cursors.reduce((a, b) => (offsetOf(b) < offsetOf(a) ? b : a))
    const offset = offsetOf(cursor)
    batch.push({ generation, partition, offset, record: cursor.read(cursor.row) })
    if (batch.length === BATCH) {
      yield batch
      batch = []
    }
    if (!(await advance(cursor))) cursors.splice(cursors.indexOf(cursor), 1)
  }
  if (batch.length > 0) yield batch
}

const offsetOf = (cursor: Cursor): number => cursor.offsets[cursor.row] as number

/** Moves to the next row; false behind the last. */
async function advance(cursor: Cursor): Promise<boolean> {
  cursor.row++
  while (cursor.row >= cursor.offsets.length) {
    const [reader] = cursor.readers
    if (reader === undefined) return false
    cursor.group++
    if (cursor.group === reader.groups.length) {
      cursor.readers.shift()
      cursor.group = -1
      continue
    }
    const columns = await reader.read(cursor.group, FILE_COLUMNS)
    cursor.offsets = columns.numbers('offset')
    cursor.read = recordReader(cursor.app, columns)
    cursor.row = 0
  }
  return true
}
