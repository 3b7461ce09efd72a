// The logs of one data folder: events, control and dead letters, as three tables of one LMDB environment.
import { open, type RootDatabase } from 'lmdb'
import type { Clock } from '#ports/clock'
import type { Closable } from '#ports/lifecycle'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import { logError } from './errors.ts'
import { DURABLE_ENVIRONMENT, fillShortFile } from './lmdb.ts'
import { openTableLog, type TableLog } from './log.ts'
import { EVENTS_TABLE, type LogShare } from './log-reader.ts'

/** Address space mapped at first; LMDB maps more when the file outgrows it. */
const MAP_BYTES = 16 * 2 ** 30
export interface EmbeddedLogs extends Closable {
  readonly events: Log
  readonly control: Log
  readonly deadLetters: Log
  /** For `openSharedLogReader` in other threads of this process. */
  share(): LogShare
}

export interface LogsOptions {
  /** Folder of the environment; made when it is missing. */
  readonly path: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly mapSize?: number
}

/**
 * Opens the logs and cuts a damaged last group off each. The caller owns the data folder: two processes must not open
 * one path.
 * @throws MillraceError LOG_FULL, LOG_UNAVAILABLE
 */
export async function openLogs(options: LogsOptions): Promise<EmbeddedLogs> {
  const { path, clock, telemetry, mapSize = MAP_BYTES } = options
  let environment: RootDatabase
  try {
    environment = open({ path, mapSize, ...DURABLE_ENVIRONMENT })
  } catch (error) {
    throw logError(error)
  }
  const openLog = async (name: string): Promise<TableLog> => {
    const table = environment.openDB<Buffer, number>(name, { encoding: 'binary' })
    return openTableLog({ table, name, path, clock, telemetry })
  }
  try {
    const missing = await fillShortFile(environment, path)
    if (missing > 0) telemetry.log('warn', 'log-file-short', { path, missing })
    const [events, control, deadLetters] = [
      await openLog(EVENTS_TABLE),
      await openLog('control'),
      await openLog('dead-letters'),
    ]
    let closing: Promise<void> | null = null
    const close = async (): Promise<void> => {
      await Promise.all([events.log.close(), control.log.close(), deadLetters.log.close()])
      await environment.close()
    }
    return {
      events: events.log,
      control: control.log,
      deadLetters: deadLetters.log,
      share: () => ({ path, durable: events.durable.shared }),
      close: () => {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    await environment.close()
    throw logError(error)
  }
}
