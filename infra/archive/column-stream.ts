// Effective events of an app's channel, as columns for trainings and whole for export: first which rows count
// (`liveness.ts`), then one row group after the other with only the columns that were asked for.
import type { ArchiveColumn, ColumnBatch, ColumnRequest, RangeInfo } from '#ports/archive'
import type { Files } from '#ports/files'
import type { Event } from '#schemas/event'
import type { Bits } from './bits.ts'
import { findDead } from './liveness.ts'
import type { Columns } from './parquet-reader.ts'
import { recordReader } from './record-reader.ts'
import { openScan, type Segment } from './scan.ts'
import { FILE_COLUMNS } from './schema.ts'

export async function* readColumns(
  files: Files,
  ranges: () => Promise<readonly RangeInfo[]>,
  request: ColumnRequest,
): AsyncGenerator<ColumnBatch> {
  const scan = await openScan(files, await ranges(), request)
  const dead = await findDead(scan, request)
  for (const segment of scan.segments) {
    const rows = liveRows(segment, dead)
    if (rows.length === 0) continue
    const columns = await segment.read(['offset', ...request.columns])
    yield batchOf(columns, rows, request.columns)
  }
}

export async function* readEvents(
  files: Files,
  ranges: () => Promise<readonly RangeInfo[]>,
  request: Omit<ColumnRequest, 'columns'>,
): AsyncGenerator<readonly Event[]> {
  const scan = await openScan(files, await ranges(), request)
  const dead = await findDead(scan, request)
  for (const segment of scan.segments) {
    const rows = liveRows(segment, dead)
    if (rows.length === 0) continue
    const read = recordReader(request.app, await segment.read(FILE_COLUMNS))
    const events: Event[] = []
    for (const row of rows) {
      const record = read(row)
      if (record.kind === 'event') events.push(record.event)
    }
    yield events
  }
}

function liveRows({ firstRow, rows }: Segment, dead: Bits): Uint32Array {
  const live = new Uint32Array(rows)
  let count = 0
  for (let row = 0; row < rows; row++) if (!dead.has(firstRow + row)) live[count++] = row
  return live.subarray(0, count)
}

function batchOf(
  columns: Columns,
  rows: Uint32Array,
  wanted: readonly ArchiveColumn[],
): ColumnBatch {
  const all = rows.length === columns.rows
  const numbers = (name: 'offset' | 'eventTime'): Float64Array => {
    const values = columns.numbers(name)
    return all ? values : Float64Array.from(rows, (row) => values[row] as number)
  }
  const batch: { -readonly [K in keyof ColumnBatch]: ColumnBatch[K] } = {
    rows: rows.length,
    offset: numbers('offset'),
  }
  for (const name of wanted) {
    if (name === 'eventTime') {
      batch.eventTime = numbers(name)
      continue
    }
    const values = columns.text(name)
    const texts = all ? values : Array.from(rows, (row) => values[row] ?? null)
    if (name === 'targetEntityType' || name === 'targetEntityId') batch[name] = texts
    // Of an event these are always set.
    else batch[name] = texts as readonly string[]
  }
  return batch
}
