// One log of an embedded environment, as a table of LMDB. One value is a commit group (`log-group.ts`), written by one
// asynchronous put, which resolves after the fdatasync; then the durable end moves, and only then readers see the records
// and appends resolve.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Health } from '#ports/lifecycle'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import { createCommitGroups } from './commit-group.ts'
import { createDurableEnd, type DurableEndWriter } from './durable-end.ts'
import { logError } from './errors.ts'
import { committed, probeFull } from './lmdb.ts'
import { groupBytes, groupCount, isWholeGroup, packGroup } from './log-group.ts'
import {
  assertPartition,
  createGroupReader,
  GENERATION,
  type GroupTable,
  readerMethods,
} from './log-reader.ts'

/** Groups that one transaction of a trim removes. */
const TRIM_GROUPS = 2_000
/** A reused buffer larger than this is given back after the group. */
const BUFFER_BYTES_KEPT = 8 * 1024 * 1024

export interface LogContext {
  readonly table: GroupTable
  readonly name: string
  readonly path: string
  readonly clock: Clock
  readonly telemetry: Telemetry
}

export interface TableLog {
  readonly log: Log
  readonly durable: DurableEndWriter
}

/** Opens the log of one table; a damaged last group is cut off. @throws MillraceError LOG_FULL, LOG_UNAVAILABLE */
export async function openTableLog(context: LogContext): Promise<TableLog> {
  try {
    return createTableLog(context, await recoverEnd(context))
  } catch (error) {
    throw logError(error)
  }
}

/**
 * Start and end of a table. Groups at its end that are not whole are removed: no append of theirs was acknowledged, or
 * the disk lost it, which the log line says. An empty group then keeps the end.
 */
async function recoverEnd({ table, name, telemetry }: LogContext): Promise<DurableEndWriter> {
  let start = 0
  for (const key of table.getKeys({ limit: 1 })) start = key
  for (;;) {
    let last: { key: number; value: Buffer } | undefined
    for (const entry of table.getRange({ reverse: true, limit: 1 })) last = entry
    if (last === undefined) return createDurableEnd(0, 0)
    if (isWholeGroup(last.value)) return createDurableEnd(start, last.key + groupCount(last.value))
    telemetry.log('error', 'log-group-cut', {
      log: name,
      offset: last.key,
      bytes: last.value.length,
    })
    if (last.key > start) await committed(table.remove(last.key))
    else {
      const empty = Buffer.allocUnsafeSlow(groupBytes([]))
      packGroup([], empty)
      await committed(table.put(last.key, empty))
    }
  }
}

function createTableLog(context: LogContext, durable: DurableEndWriter): TableLog {
  const { table, name, path, clock, telemetry } = context
  const groupLabels = { log: name }
  let closed = false
  let failure: { readonly error: MillraceError; readonly at: number } | null = null
  // Only one group of a log is under way at a time, so that one buffer serves all; lmdb keeps no reference to it.
  let buffer = Buffer.allocUnsafeSlow(64 * 1024)

  const write = async (offset: number, values: readonly Uint8Array[]): Promise<void> => {
    const bytes = groupBytes(values)
    if (bytes > buffer.length) buffer = Buffer.allocUnsafeSlow(Math.max(bytes, buffer.length * 2))
    packGroup(values, buffer)
    try {
      await committed(table.put(offset, buffer.subarray(0, bytes)))
    } catch (cause) {
      const full = await probeFull(path, bytes)
      const error = full ? new MillraceError('LOG_FULL', {}, { cause }) : logError(cause)
      if (failure === null) telemetry.log('error', 'log-write-failed', { log: name, error })
      failure = { error, at: clock.now() }
      throw error
    } finally {
      if (buffer.length > BUFFER_BYTES_KEPT) buffer = Buffer.allocUnsafeSlow(64 * 1024)
    }
    if (failure !== null) telemetry.log('info', 'log-write-recovered', { log: name })
    failure = null
    telemetry.emit('millrace_log_groups_total', 1, groupLabels)
    durable.moveEnd(offset + values.length)
  }
  const groups = createCommitGroups({ end: durable.end, write })

  const health = async (): Promise<Health> => {
    if (failure === null) {
      return { name: 'log', status: 'ok', detail: `${durable.end - durable.start} records.` }
    }
    const since = new Date(failure.at).toISOString()
    const detail = `${failure.error.message} Last tried at ${since}.`
    return { name: 'log', status: 'failed', detail, hint: failure.error.hint }
  }
  const log: Log = {
    ...readerMethods(createGroupReader(table, durable), durable, () => closed),
    async append(partition, values) {
      assertPartition(partition)
      const offset = await groups.append(values)
      return { generation: GENERATION, partition, offset }
    },
    async trim(partition, before) {
      assertPartition(partition)
      await trimTable(table, durable, before, () => closed)
    },
    health,
    async close() {
      if (closed) return
      await groups.close()
      closed = true
      durable.close()
    },
  }
  return { log, durable }
}

/** Removes groups that end at or below `before`, but never the last one: it keeps the end. */
async function trimTable(
  table: GroupTable,
  durable: DurableEndWriter,
  before: number,
  closed: () => boolean,
): Promise<void> {
  while (!closed()) {
    // A group ends where the next one begins; the last key is never followed by another.
    const range = { start: durable.start, end: Math.min(before, durable.end - 1) + 1 }
    const keys = [...table.getKeys({ ...range, limit: TRIM_GROUPS + 1 })]
    const start = keys.at(-1)
    if (start === undefined || keys.length < 2) return
    // Readers are turned away before the records go.
    durable.moveStart(start)
    const remove = table.batch(() => {
      for (const key of keys.slice(0, -1)) void table.remove(key)
    })
    try {
      await committed(remove)
    } catch (error) {
      throw logError(error)
    }
  }
}
