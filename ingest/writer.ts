// The way into the log. Records that arrive in one turn of the event loop go to the log in one call a partition; what
// waits is bounded, and an append without an answer is given up after a while, so that a slow log slows acceptance
// instead of filling the memory.
//
//   append ─▶ open group of the partition ─ end of the turn ─▶ log.append ─▶ position of each
import type { Clock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Log } from '#ports/log'
import { silentTelemetry, type Telemetry } from '#ports/telemetry'
import type { Position } from '#schemas/position'
import type { IngestLimits } from './limits.ts'
import type { Draft } from './record.ts'

/** Where a record stands, or why it is not known to be in the log. */
export type WriteResult =
  | { readonly ok: true; readonly position: Position }
  | { readonly ok: false; readonly error: MillraceError }

export interface Writer {
  /**
   * Appends the records of one request; one result a record, in order. Records of one partition keep their order. A
   * failed one may be in the log nevertheless: it has to be sent again under its event id.
   * @throws MillraceError OVERLOADED when not all of them have room: then none was appended
   */
  write(drafts: readonly Draft[]): Promise<readonly WriteResult[]>
  /** Records that were appended and not yet answered. */
  readonly waiting: number
}

const ANSWERED = 'answered'

type Settle = (result: WriteResult) => void

interface Group {
  values: Buffer[]
  settles: Settle[]
  bytes: number
}

export interface WriterOptions {
  readonly log: Log
  readonly clock: Clock
  readonly telemetry?: Telemetry
  readonly limits: IngestLimits
}

export function createWriter(options: WriterOptions): Writer {
  const { log, clock, telemetry = silentTelemetry, limits } = options
  let records = 0
  let bytes = 0
  const open: (Group | undefined)[] = []
  let scheduled = false

  function add(draft: Draft, settle: Settle): void {
    let group = open[draft.partition]
    if (group === undefined) {
      group = { values: [], settles: [], bytes: 0 }
      open[draft.partition] = group
    }
    group.values.push(draft.value)
    group.settles.push(settle)
    group.bytes += draft.value.length
    records++
    bytes += draft.value.length
    if (!scheduled) {
      scheduled = true
      setImmediate(sendAll)
    }
  }

  function sendAll(): void {
    scheduled = false
    for (const [partition, group] of open.entries()) {
      if (group === undefined) continue
      open[partition] = undefined
      void send(partition, group)
    }
  }

  /** Never rejects: the outcome goes to those who wait. What waits is counted until the log has answered. */
  async function send(partition: number, group: Group): Promise<void> {
    const answered = new AbortController()
    const giveUp = clock.sleep(limits.appendTimeoutMs, answered.signal).then(() => {
      if (answered.signal.aborted) return
      const reason = `no answer within ${limits.appendTimeoutMs} ms`
      drop(telemetry, group, new MillraceError('LOG_UNAVAILABLE', { reason }))
    })
    try {
      const first = await log.append(partition, group.values)
      const { generation } = first
      for (const [place, settle] of group.settles.entries()) {
        settle({ ok: true, position: { generation, partition, offset: first.offset + place } })
      }
    } catch (error) {
      drop(telemetry, group, toLogError(error))
    } finally {
      // With a reason of our own, since making the default one costs more than all the rest here.
      answered.abort(ANSWERED)
      records -= group.values.length
      bytes -= group.bytes
      await giveUp
    }
  }

  function checkRoom(drafts: readonly Draft[]): void {
    // A request that would never fit is let through when nothing waits, else it could never be accepted.
    if (records === 0) return
    const more = drafts.reduce((sum, draft) => sum + draft.value.length, 0)
    if (records + drafts.length > limits.waitingRecordsMax) {
      const limit = `${limits.waitingRecordsMax} records`
      throw dropped(telemetry, drafts.length, new MillraceError('OVERLOADED', { limit }))
    }
    if (bytes + more > limits.waitingBytesMax) {
      const limit = `${limits.waitingBytesMax} bytes`
      throw dropped(telemetry, drafts.length, new MillraceError('OVERLOADED', { limit }))
    }
  }

  return {
    get waiting() {
      return records
    },
    async write(drafts) {
      checkRoom(drafts)
      const results: WriteResult[] = new Array(drafts.length)
      let left = drafts.length
      if (left === 0) return results
      return new Promise((resolve) => {
        for (const [place, draft] of drafts.entries()) {
          add(draft, (result) => {
            results[place] = result
            if (--left === 0) resolve(results)
          })
        }
      })
    },
  }
}

/** Answers those who still wait; the second time, after a late failure, nobody does. */
function drop(telemetry: Telemetry, group: Group, error: MillraceError): void {
  const { settles } = group
  group.settles = []
  if (settles.length > 0) dropped(telemetry, settles.length, error)
  for (const settle of settles) settle({ ok: false, error })
}

function dropped(telemetry: Telemetry, count: number, error: MillraceError): MillraceError {
  telemetry.emit('millrace_events_dropped_total', count, { code: error.code })
  return error
}

/** The log's own errors as they are; anything else means that the log is not there. */
function toLogError(error: unknown): MillraceError {
  const ours = asMillraceError(error)
  if (ours.code !== 'INTERNAL') return ours
  return new MillraceError('LOG_UNAVAILABLE', ours.details, { cause: error })
}
