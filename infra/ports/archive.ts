// The archive as stations see it: all records of the log in ranges of columns. Written by the archive sink, read by
// trainings, export and replay. The implementation over the files port is infra/archive/.

import type { Event } from '#schemas/event'
import type { Watermark } from '#schemas/position'
import type { ArchivedRecord, Placed } from '#schemas/record'
import type { Closable } from './lifecycle.ts'

export interface RangeInfo {
  readonly generation: number
  readonly partition: number
  /** [start, end) of offsets. */
  readonly start: number
  readonly end: number
  readonly revision: number
  readonly files: readonly {
    readonly path: string
    readonly app: number
    readonly day: string
    readonly rows: number
    readonly bytes: number
  }[]
  /** Event times of the range, or null when it holds no event. */
  readonly minTime: number | null
  readonly maxTime: number | null
  /** When it took the place of others; absent in a range as the sink published it. */
  readonly writtenAt?: number
}

/** One open range of one partition. */
export interface RangeWriter {
  readonly start: number
  /** Bytes spooled so far. */
  readonly bytes: number
  append(records: readonly Placed[]): Promise<void>
  /**
   * Closes the range at `end` and publishes it. When another writer has published from this start, ours is thrown away
   * and his range is returned: read on from its end.
   */
  close(end: number): Promise<RangeInfo>
  abort(): Promise<void>
}

export const ARCHIVE_COLUMNS = [
  'entityType',
  'entityId',
  'event',
  'targetEntityType',
  'targetEntityId',
  'eventTime',
  'properties',
] as const
export type ArchiveColumn = (typeof ARCHIVE_COLUMNS)[number]

/** Rows of effective events, column by column; only the columns asked for are set. */
export interface ColumnBatch {
  readonly rows: number
  /** Offsets, ascending within a partition. */
  readonly offset: Float64Array
  readonly entityType?: readonly string[]
  readonly entityId?: readonly string[]
  readonly event?: readonly string[]
  readonly targetEntityType?: readonly (string | null)[]
  readonly targetEntityId?: readonly (string | null)[]
  readonly eventTime?: Float64Array
  readonly properties?: readonly string[]
}

export interface ColumnRequest {
  readonly app: number
  readonly channel: number
  /** Only records below it. */
  readonly upTo: Watermark
  readonly columns: readonly ArchiveColumn[]
  readonly signal?: AbortSignal
}

/** Files of one app that hold records of one partition below a limit. */
export interface ArchiveSource {
  readonly generation: number
  readonly partition: number
  /** Rows at or behind this offset do not belong to the request; infinite where all do. */
  readonly limit: number
  readonly files: readonly {
    readonly path: string
    readonly rows: number
    readonly bytes: number
  }[]
}

export interface Archive extends Closable {
  /** End of the last range of a partition without a gap before it: where the archive sink goes on. */
  end(partition: number): Promise<number>
  openRange(partition: number, start: number): Promise<RangeWriter>
  ranges(): Promise<readonly RangeInfo[]>
  /**
   * Effective events of a channel in order of position, in batches.
   * @throws MillraceError ARCHIVE_CORRUPT (naming the file)
   */
  columns(request: ColumnRequest): AsyncIterable<ColumnBatch>
  /**
   * What another program has to read for a request, and nothing else: `FILE_COLUMNS` of exactly these files. Which rows are
   * effective events it decides itself.
   * @throws MillraceError ARCHIVE_BEHIND
   */
  sources(request: Pick<ColumnRequest, 'app' | 'upTo'>): Promise<readonly ArchiveSource[]>
  /** Effective events whole, for export. */
  events(request: Omit<ColumnRequest, 'columns'>): AsyncIterable<readonly Event[]>
  /** Every record, for replay and for comparing with the log. */
  records(partition: number, from: number): AsyncIterable<readonly Placed<ArchivedRecord>[]>
}
