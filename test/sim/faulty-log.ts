// A process's view of a log: every call passes gates, appends may be refused, or written and not acknowledged, or written
// twice; reads fail, or bring a part, and the values of a read are spoilt by the next, as the port allows.
import { MillraceError } from '#ports/errors'
import type { Log } from '#ports/log'
import type { Faults } from './faults.ts'
import type { Life, Scheduler } from './scheduler.ts'

export interface FaultyLogOptions {
  readonly name: string
  readonly log: Log
  readonly life: Life
  readonly scheduler: Scheduler
  readonly faults: Faults
}

export function createFaultyLog({ name, log, life, scheduler, faults }: FaultyLogOptions): Log {
  const { random } = scheduler
  const gate = (label: string): Promise<void> => scheduler.gate(life, `${name}.${label}`)
  const lost = new MillraceError('LOG_UNAVAILABLE', { reason: 'the connection broke' })
  let lent: Uint8Array[] = []
  return {
    generation: log.generation,
    partitions: log.partitions,
    async append(partition, values) {
      await gate(`append ${values.length} to ${partition}`)
      if (faults.happens('refusedAppend')) throw lost
      const position = await log.append(partition, values)
      if (faults.happens('repeatedAppend')) await log.append(partition, values)
      await gate(`appended ${values.length} to ${partition} at ${position.offset}`)
      if (faults.happens('lostAcknowledgement')) throw lost
      return position
    },
    async end(partition) {
      await gate(`end of ${partition}`)
      return log.end(partition)
    },
    start: (partition) => log.start(partition),
    async read(partition, from, maxBytes) {
      for (const value of lent) value.fill(0xff)
      lent = []
      await gate(`read ${partition} from ${from}`)
      if (faults.happens('failedRead')) throw lost
      const bytes = faults.active && random.chance(0.3) ? 1 : maxBytes
      const batch = await log.read(partition, from, bytes)
      const records = batch.records.map(({ offset, value }) => ({
        offset,
        value: Uint8Array.from(value),
      }))
      lent = records.map(({ value }) => value)
      return { records, next: batch.next }
    },
    async waitFor(partition, offset, signal) {
      await log.waitFor(partition, offset, AbortSignal.any([signal, life.ended]))
      await gate(`woken at ${partition}/${offset}`)
    },
    trim: (partition, before) => log.trim(partition, before),
    health: () => log.health(),
    close: async () => {},
  }
}
