// The archive's upkeep in a thread of its own: soon after the start, once an hour, and when an erasure asks. One at a time.
import { Worker } from 'node:worker_threads'
import type { Clock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Closable } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import { DAY_MS } from '../archive/layout.ts'
import type { Upkept } from '../archive/upkeep.ts'
import type { FilesPlace } from './files-place.ts'
import type { UpkeepAnswer, UpkeepThreadData } from './upkeep-worker.ts'

/** Not at once: a command opens a platform for a second, and other things are more urgent at a start. */
const FIRST_MS = 60_000
const EVERY_MS = 3_600_000

/** A file in whose place another was put is gone so much later at the latest, if the platform runs then. */
export const REPLACED_GONE_MS = DAY_MS + EVERY_MS

export interface ArchiveUpkeep extends Closable {
  /** Resolves when an upkeep that began after the call is done. @throws MillraceError ARCHIVE_CORRUPT, DISK_FULL, UPKEEP_FAILED */
  run(): Promise<Upkept>
}

export interface ArchiveUpkeepOptions {
  readonly filesPlace: FilesPlace
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Once an hour; otherwise only when asked. */
  readonly repeats: boolean
}

export function createArchiveUpkeep(options: ArchiveUpkeepOptions): ArchiveUpkeep {
  const { clock, telemetry } = options
  const over = new AbortController()
  let worker: Worker | null = null
  let turn: Promise<unknown> = Promise.resolve()
  const run = (): Promise<Upkept> => {
    const mine = turn.then(() => {
      if (over.signal.aborted) throw new MillraceError('UPKEEP_FAILED', { reason: 'it is closed' })
      return runThread(options.filesPlace, (started) => {
        worker = started
      })
    })
    turn = mine.catch(() => {})
    return mine
  }
  const repeat = async (): Promise<void> => {
    await clock.sleep(FIRST_MS, over.signal)
    while (!over.signal.aborted) {
      try {
        const { erased, compacted, swept } = await run()
        telemetry.log('debug', 'archive-kept', { erased, compacted, swept })
      } catch (error) {
        const reason = asMillraceError(error).message
        if (!over.signal.aborted) telemetry.log('error', 'archive-not-kept', { reason })
      }
      await clock.sleep(EVERY_MS, over.signal)
    }
  }
  const repeating = options.repeats ? repeat() : Promise.resolve()
  return {
    run,
    close: async () => {
      over.abort()
      // Whatever it was writing is not there until it is whole.
      await worker?.terminate()
      await repeating
    },
  }
}

function runThread(filesPlace: FilesPlace, onStart: (worker: Worker) => void): Promise<Upkept> {
  const data: UpkeepThreadData = { role: 'upkeep', filesPlace }
  const worker = new Worker(new URL('./upkeep-worker.ts', import.meta.url), {
    workerData: data,
    name: 'millrace-upkeep',
  })
  onStart(worker)
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new MillraceError('UPKEEP_FAILED', { reason }))
    worker.on('message', (answer: UpkeepAnswer) => {
      if (answer.type === 'done') resolve(answer.upkept)
      else reject(new MillraceError(answer.code, answer.details))
    })
    worker.on('error', (error) => fail(error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => fail('its thread ended'))
  })
}
