// Group commit: one group is being written at any time, and what arrives meanwhile is the next one. There is no timer:
// a lone append waits for nothing, and under load the groups grow by themselves.
//
//   append ─▶ waiting ──(previous group done)──▶ open group ─▶ write ─▶ all appends of the group resolve
import { MillraceError } from '#ports/errors'
import { groupBytes, valueBytes } from './log-group.ts'

/** A group is closed at this size; one larger record goes alone, one larger append becomes several groups. */
export const GROUP_BYTES_MAX = 4 * 1024 * 1024
/** Bytes that may wait for the log before more are refused. */
export const WAITING_BYTES_MAX = 256 * 1024 * 1024

interface Append {
  readonly values: readonly Uint8Array[]
  readonly bytes: number
  /** Values that are in a group already. */
  taken: number
  /** Offset of the first value, or -1 before a group has it. */
  offset: number
  readonly resolve: (offset: number) => void
  readonly reject: (error: unknown) => void
}

interface Group {
  readonly values: Uint8Array[]
  /** Appends whose last value is in this group: they resolve with it. */
  readonly ending: Append[]
  /** An append that goes on in the next group, or null. */
  partial: Append | null
}

export interface CommitGroups {
  /** Resolves with the offset of the first value when all are written. @throws what `write` rejects with, OVERLOADED */
  append(values: readonly Uint8Array[]): Promise<number>
  /** Refuses further appends and resolves when those under way have ended. */
  close(): Promise<void>
}

export interface CommitGroupOptions {
  /** Offset of the next record. */
  readonly end: number
  /**
   * Makes one group durable under its first offset. When it rejects, its appends fail with the same error and the next
   * group tries the same offset.
   */
  readonly write: (offset: number, values: readonly Uint8Array[]) => Promise<void>
  readonly groupBytesMax?: number
  readonly waitingBytesMax?: number
}

export function createCommitGroups(options: CommitGroupOptions): CommitGroups {
  const { write, groupBytesMax = GROUP_BYTES_MAX, waitingBytesMax = WAITING_BYTES_MAX } = options
  let end = options.end
  let waiting: Append[] = []
  let waitingBytes = 0
  /** Ends when nothing waits any more; null when idle. */
  let running: Promise<void> | null = null
  let closed = false

  const takeGroup = (): Group => {
    const group: Group = { values: [], ending: [], partial: null }
    let bytes = groupBytes([])
    let next = 0
    for (; next < waiting.length; next++) {
      const append = waiting[next] as Append
      if (append.offset < 0) append.offset = end + group.values.length
      while (append.taken < append.values.length) {
        const value = append.values[append.taken] as Uint8Array
        bytes += valueBytes(value)
        if (bytes > groupBytesMax && group.values.length > 0) break
        group.values.push(value)
        append.taken++
      }
      if (append.taken < append.values.length) {
        group.partial = append.taken > 0 ? append : null
        break
      }
      group.ending.push(append)
    }
    waiting = next === waiting.length ? [] : waiting.slice(next)
    return group
  }

  const fail = (group: Group, error: unknown): void => {
    const failed = group.partial ? [...group.ending, group.partial] : group.ending
    if (group.partial) waiting.shift()
    // An append that no group has touched yet gets its offset anew.
    const untouched = waiting[0]
    if (untouched) untouched.offset = -1
    for (const append of failed) {
      waitingBytes -= append.bytes
      append.reject(error)
    }
  }

  const run = async (): Promise<void> => {
    // Requests that are read in this turn of the event loop share the first group.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0) {
      const group = takeGroup()
      try {
        if (group.values.length > 0) await write(end, group.values)
      } catch (error) {
        fail(group, error)
        continue
      }
      end += group.values.length
      for (const append of group.ending) {
        waitingBytes -= append.bytes
        append.resolve(append.offset)
      }
    }
    running = null
  }

  return {
    append: (values) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new MillraceError('LOG_UNAVAILABLE', { reason: 'it is closed' }))
        const bytes = groupBytes(values)
        if (waitingBytes > 0 && waitingBytes + bytes > waitingBytesMax) {
          return reject(new MillraceError('OVERLOADED', { limit: `${waitingBytesMax} bytes` }))
        }
        waitingBytes += bytes
        waiting.push({ values, bytes, taken: 0, offset: -1, resolve, reject })
        running ??= run()
      }),
    async close() {
      closed = true
      await running
    },
  }
}
