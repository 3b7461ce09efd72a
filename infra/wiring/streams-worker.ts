// Where the thread of a sink starts: it reads the log by itself, applies, and tells the host how far it is.
import { setPriority } from 'node:os'
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '#ports/clock'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { Closable } from '#ports/lifecycle'
import type { LogReader } from '#ports/log'
import type { MetricName, Telemetry } from '#ports/telemetry'
import type { DeadLetter } from '#schemas/dead-letter'
import type { Watermark } from '#schemas/position'
import { createArchiveSink } from '../../streams/archive-sink.ts'
import { runPipeline, type Sink } from '../../streams/pipeline.ts'
import { createStoreSink } from '../../streams/store-sink.ts'
import { createArchive } from '../archive/archive.ts'
import { openFilesAt } from './files-place.ts'
import { openLogSource } from './log-source.ts'
import { isFillable, openStoreWriterAt } from './store-place.ts'
import { refillStore } from './store-refill.ts'
import type { FromThread, StreamsThreadData, ToThread } from './streams-messages.ts'
import { createTouchTeller } from './touch-teller.ts'

/** Requests go before sinks, and freshness before the archive. */
const NICENESS = { store: 3, archive: 10 } as const
/** How far apart they ask a log over a network for more, under load. */
const PACE_MS = { store: 5, archive: 100 } as const

type Say = (message: FromThread) => void

/** A sink with what its thread has to do for it. */
interface Station {
  readonly sink: Sink
  readonly hear: (message: ToThread) => void
  readonly parts: readonly Closable[]
}

async function storeStation(
  { store, files: filesPlace }: StreamsThreadData,
  log: LogReader,
  telemetry: Telemetry,
  say: Say,
): Promise<Station> {
  const clock = systemClock
  const writer = await openStoreWriterAt(store, clock)
  const touches = createTouchTeller(say)
  const sink = createStoreSink({ writer, clock, onRecords: touches.onRecords })
  const start = async (): Promise<Watermark> => {
    if (isFillable(store, writer)) await refillStore({ writer, log, filesPlace, clock, telemetry })
    return sink.start()
  }
  return {
    sink: { ...sink, start },
    hear: touches.hear,
    parts: [writer],
  }
}

async function archiveStation(
  { files: place }: StreamsThreadData,
  log: LogReader,
  telemetry: Telemetry,
  say: Say,
): Promise<Station> {
  const files = await openFilesAt(place, systemClock)
  const { generation, partitions } = log
  const archive = createArchive({ files, telemetry, clock: systemClock, generation })
  const sink = createArchiveSink({
    archive,
    partitions,
    generation,
    clock: systemClock,
    onPublished: (published) => say({ type: 'published', published }),
  })
  return {
    sink,
    hear: (message) => {
      if (message.type !== 'close-at') return
      const { id, watermark } = message
      sink.closeAt(watermark).then(
        () => say({ type: 'closed-at', id }),
        (error: unknown) => {
          const { code, details } = asMillraceError(error)
          say({ type: 'closed-at', id, failure: { code, details } })
        },
      )
    },
    parts: [archive, files],
  }
}

async function run(port: MessagePort, data: StreamsThreadData): Promise<void> {
  const say: Say = (message) => port.postMessage(message)
  const telemetry = telemetryOver(say)
  const stop = new AbortController()
  const drain = new AbortController()
  const cemetery = createCemetery(say)
  const log = await openLogSource(data.log, systemClock, telemetry, PACE_MS[data.sink])
  const station =
    data.sink === 'store'
      ? await storeStation(data, log, telemetry, say)
      : await archiveStation(data, log, telemetry, say)
  const { sink } = station
  port.on('message', (message: ToThread) => {
    try {
      if (message.type === 'stop') stop.abort()
      else if (message.type === 'drain') drain.abort()
      else if (message.type === 'buried') cemetery.buried(message.id, message.failure)
      else station.hear(message)
    } catch (error) {
      const reason = asMillraceError(error).message
      telemetry.log('error', 'streams-message-failed', { type: message.type, reason })
    }
  })
  const end = await runPipeline({
    sink,
    log,
    ...(data.partitions === null ? {} : { partitions: data.partitions }),
    clock: systemClock,
    telemetry,
    signal: stop.signal,
    drain: drain.signal,
    deadLetter: cemetery.bury,
    onBegun: (applied) => say({ type: 'ready', applied }),
    onApplied: ({ applied, records }) => say({ type: 'applied', applied, records }),
    onTrouble: (error) =>
      say({
        type: 'trouble',
        trouble: error && {
          code: error.code,
          details: error.details,
          reason: error.message,
          hint: error.hint,
        },
      }),
  })
  for (const part of station.parts) await part.close()
  await log.close()
  say({ type: 'ended', end })
  port.close()
}

/** Sends dead letters to the host and waits for its word that they are on disk. */
function createCemetery(say: Say) {
  const waiting = new Map<number, (failure: string | null) => void>()
  let next = 0
  return {
    bury: (letter: DeadLetter): Promise<void> =>
      new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, (reason) => {
          if (reason === null) resolve()
          else reject(new MillraceError('LOG_UNAVAILABLE', { reason }))
        })
        say({ type: 'bury', id, letter })
      }),
    buried: (id: number, failure: string | null): void => {
      waiting.get(id)?.(failure)
      waiting.delete(id)
    },
  }
}

function telemetryOver(say: Say): Telemetry {
  return {
    emit: (metric: MetricName, value: number, labels: Readonly<Record<string, string>>) =>
      say({ type: 'metric', metric, value, labels }),
    log: (level, event, fields = {}) => {
      // Only what can be cloned travels; an error becomes its message.
      const plain = Object.entries(fields).map(([key, value]) => [
        key,
        value instanceof Error ? value.message : value,
      ])
      say({ type: 'log', level, event, fields: Object.fromEntries(plain) })
    },
  }
}

if (!isMainThread && parentPort !== null && workerData?.role === 'streams') {
  const data = workerData as StreamsThreadData
  setPriority(NICENESS[data.sink])
  // A rejection ends the thread with an error; the host reports it and starts another.
  await run(parentPort, data)
}
