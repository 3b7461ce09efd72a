// The log: append-only partitions of records, durable before they are acknowledged or read. Three logs use this port:
// events (P partitions), control (one, kept for ever) and dead letters (one).
//
// For implementers
// - `append` resolves when the records are on disk (or on all in-sync replicas), and nobody can read them before that.
//   What arrived while one group was being written is the next group: no timers. Records of one call and one partition
//   get consecutive offsets in the order given. After a rejected append the records may or may not be in the log:
//   the caller tries again with the same event ids.
// - `read` never returns a record at or behind `end`; a torn last group is cut off when the log is opened.
// - one process writes; readers may be other threads.
import type { Position } from '#schemas/position'
import type { Closable, HealthSource } from './lifecycle.ts'

export interface LogBatch {
  /** Offset of the first value; values have consecutive offsets (embedded) or `offsets` says. */
  readonly records: readonly { readonly offset: number; readonly value: Uint8Array }[]
  /** Where to read on: behind the last record, also when the batch is empty. */
  readonly next: number
}

export interface LogReader extends Closable {
  readonly generation: number
  readonly partitions: number
  /** Offset of the next record of a partition, of what is durable. */
  end(partition: number): Promise<number>
  /** Offset of the oldest record still kept. */
  start(partition: number): Promise<number>
  /**
   * Records from `from` on, as many as fit `maxBytes` (at least one if there is one; whole commit groups are not cut
   * where that would cost a copy, so a batch may be somewhat larger). Empty at the end. The values may be views of
   * memory that is valid only until the next call: copy what is kept.
   * @throws MillraceError LOG_TRIMMED when `from` is below the start, LOG_UNAVAILABLE
   */
  read(partition: number, from: number, maxBytes: number): Promise<LogBatch>
  /**
   * Resolves when `end(partition)` > `offset`, when the signal aborts, or when the reader is closed. A wait alone does
   * not keep a thread alive.
   */
  waitFor(partition: number, offset: number, signal: AbortSignal): Promise<void>
}

export interface Log extends LogReader, HealthSource {
  /**
   * Appends values to one partition; resolves with the position of the first when all are durable.
   * The values must not change before that.
   * @throws MillraceError LOG_FULL, LOG_UNAVAILABLE, OVERLOADED when too many bytes wait already
   */
  append(partition: number, values: readonly Uint8Array[]): Promise<Position>
  /**
   * Forgets records below `before`; they must be in the archive. A whole commit group at a time, so some of them may
   * stay, and the end is never lost: `start` says what is left.
   */
  trim(partition: number, before: number): Promise<void>
}
