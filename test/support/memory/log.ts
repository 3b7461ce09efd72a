// The log in memory, with any number of partitions. Appends take effect one turn of the event loop later, so that a test
// that forgets to await one sees it missing.
import { MillraceError } from '#ports/errors'
import type { Log } from '#ports/log'

export interface MemoryLog extends Log {
  /** While true, appends are refused with LOG_FULL. */
  full: boolean
  /** Appends at once, whatever it is. */
  put(partition: number, value: Uint8Array): void
  /** The values of a partition from an offset on, at once and without a copy: for those who check. */
  valuesFrom(partition: number, offset: number): readonly Uint8Array[]
}

interface Partition {
  start: number
  /** Record at offset `start + i`. */
  values: Uint8Array[]
  waiters: Set<() => void>
}

export function createMemoryLog(options: { partitions?: number } = {}): MemoryLog {
  const partitions = Array.from(
    { length: options.partitions ?? 1 },
    (): Partition => ({ start: 0, values: [], waiters: new Set() }),
  )
  let closed = false
  const known = (index: number): Partition => {
    const partition = partitions[index]
    if (!partition) throw new RangeError(`the log has no partition ${index}`)
    return partition
  }
  const of = (index: number): Partition => {
    if (closed) throw new MillraceError('LOG_UNAVAILABLE', { reason: 'it is closed' })
    return known(index)
  }
  const endOf = (partition: Partition): number => partition.start + partition.values.length
  const wake = (partition: Partition): void => {
    for (const waiter of [...partition.waiters]) waiter()
  }
  const log: MemoryLog = {
    full: false,
    put: (index, value) => {
      known(index).values.push(value)
      wake(known(index))
    },
    valuesFrom: (index, offset) => {
      const { start, values } = known(index)
      return values.slice(Math.max(0, offset - start))
    },
    generation: 0,
    partitions: partitions.length,
    end: async (index) => endOf(known(index)),
    start: async (index) => known(index).start,
    async append(index, values) {
      of(index)
      await new Promise((resolve) => setImmediate(resolve))
      const partition = of(index)
      if (log.full) throw new MillraceError('LOG_FULL')
      const offset = endOf(partition)
      for (const value of values) partition.values.push(Uint8Array.from(value))
      wake(partition)
      return { generation: 0, partition: index, offset }
    },
    async read(index, from, maxBytes) {
      const partition = of(index)
      if (from < partition.start) {
        throw new MillraceError('LOG_TRIMMED', { from, start: partition.start })
      }
      const records: { offset: number; value: Uint8Array }[] = []
      let bytes = 0
      for (let offset = from; offset < endOf(partition) && bytes < maxBytes; offset++) {
        const value = partition.values[offset - partition.start] as Uint8Array
        if (records.length > 0 && bytes + value.length > maxBytes) break
        records.push({ offset, value })
        bytes += value.length
      }
      return { records, next: from + records.length }
    },
    waitFor: (index, offset, signal) =>
      new Promise((resolve) => {
        const partition = known(index)
        const check = (): void => {
          if (!signal.aborted && !closed && endOf(partition) <= offset) return
          partition.waiters.delete(check)
          signal.removeEventListener('abort', check)
          resolve()
        }
        partition.waiters.add(check)
        signal.addEventListener('abort', check, { once: true })
        check()
      }),
    async trim(index, before) {
      const partition = of(index)
      const count = Math.min(Math.max(before - partition.start, 0), partition.values.length)
      partition.values.splice(0, count)
      partition.start += count
    },
    health: async () => ({ name: 'log', status: log.full ? 'failed' : 'ok', detail: 'In memory.' }),
    async close() {
      closed = true
      for (const partition of partitions) wake(partition)
    },
  }
  return log
}
