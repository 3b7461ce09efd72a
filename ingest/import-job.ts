// The import as a job: reads a file of events, one JSON object a line (plain or gzip), and appends them to the log by the
// same rules as the event server. A kill costs nothing: the job goes on at its checkpoint, and since a line without an id
// gets one from (import, line), a line read twice is a repeat and takes effect once.
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import type { JobContext, JobQueue } from '#ports/job-queue'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import type { Watermarks } from '#ports/watermarks'
import type { JsonObject } from '#schemas/json'
import { fileLines, fileSize } from './import-lines.ts'
import { importRecord } from './import-record.ts'
import { openRejects } from './import-rejects.ts'

export interface ImportDependencies {
  readonly queue: JobQueue
  readonly log: Log
  readonly directory: Directory
  readonly watermarks: Watermarks
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** Where an import stands; everything before it is in the log. */
interface Place {
  /** Lines read. */
  line: number
  /** Bytes of (uncompressed) text read. */
  bytes: number
  accepted: number
  refused: number
  /** Bytes of the reject file that belong to lines read. */
  rejectBytes: number
}

const GROUP_RECORDS = 1000
const GROUPS_BETWEEN_CHECKPOINTS = 100
/** Records the store sink may be behind before the import waits for it: bounds what a crash has to read again. */
const LAG_MAX = 100_000

export function registerImportJob(deps: ImportDependencies): void {
  deps.queue.process('import', (context) => runImport(deps, context))
}

async function runImport(deps: ImportDependencies, context: JobContext): Promise<JsonObject> {
  const { job } = context
  const path = String(job.data.path)
  const place = placeOf(job.checkpoint ?? (job.data.resume as JsonObject | null))
  const total = await fileSize(path)
  const rejects = await openRejects(`${path}.rejected.jsonl`, place.rejectBytes)
  const appender = createAppender(deps, String(job.data.app))
  const save = async (): Promise<void> => {
    await appender.settled()
    place.rejectBytes = await rejects.flush()
    await context.checkpoint({ ...place })
  }
  try {
    let groups = 0
    for await (const lines of fileLines(path, place.bytes, GROUP_RECORDS)) {
      context.signal.throwIfAborted()
      addGroup(deps, context, place, lines.texts, appender, rejects)
      place.bytes = lines.end
      await appender.flush()
      context.progress({ step: 'import', done: lines.fileBytes, total, unit: 'bytes' })
      if (++groups % GROUPS_BETWEEN_CHECKPOINTS === 0) await save()
    }
    await save()
    await appender.applied(context)
  } finally {
    await rejects.close(place.refused === 0)
  }
  const rejected = place.refused > 0 ? `${path}.rejected.jsonl` : null
  return { lines: place.line, events: place.accepted, refused: place.refused, rejected }
}

function placeOf(saved: JsonObject | null): Place {
  const number = (name: string): number => Number(saved?.[name] ?? 0)
  return {
    line: number('line'),
    bytes: number('bytes'),
    accepted: number('accepted'),
    refused: number('refused'),
    rejectBytes: number('rejectBytes'),
  }
}

function addGroup(
  { clock, telemetry, log }: ImportDependencies,
  { job }: JobContext,
  place: Place,
  texts: readonly (string | null)[],
  appender: Appender,
  rejects: { add(line: number, code: string, message: string, text: string): void },
): void {
  const { data } = job
  const tenant = { app: Number(data.app), channel: Number(data.channel) }
  const importId = String(data.importId)
  const shift = Number(data.shift ?? 0)
  const now = clock.now()
  for (const text of texts) {
    place.line++
    if (text !== null && text.trim() === '') continue
    const read = importRecord({
      text,
      line: place.line,
      importId,
      shift,
      now,
      ...tenant,
      partitions: log.partitions,
    })
    if (read.ok) {
      appender.add(read.partition, read.bytes)
      place.accepted++
    } else {
      rejects.add(place.line, read.code, read.message, read.text)
      telemetry.emit('millrace_events_refused_total', 1, { code: read.code })
      place.refused++
    }
  }
}

interface Appender {
  add(partition: number, value: Uint8Array): void
  /** Hands over what was added; waits only while too much is on its way. */
  flush(): Promise<void>
  /** Everything handed over is durable. */
  settled(): Promise<void>
  /** The store sink has applied everything. */
  applied(context: JobContext): Promise<void>
}

const APPENDS_IN_FLIGHT = 4

function createAppender(deps: ImportDependencies, app: string): Appender {
  const { log, watermarks, telemetry } = deps
  const waiting = new Map<number, Uint8Array[]>()
  const inFlight = new Set<Promise<void>>()
  const ends = new Array<number>(log.partitions).fill(0)
  let failure: unknown = null
  const append = async (partition: number, values: readonly Uint8Array[]): Promise<void> => {
    const { offset } = await log.append(partition, values)
    ends[partition] = Math.max(ends[partition] ?? 0, offset + values.length)
    telemetry.emit('millrace_events_accepted_total', values.length, { app })
  }
  const raise = (): void => {
    if (failure !== null) throw failure
  }
  const lag = (allowed: number) => ({
    generation: log.generation,
    offsets: ends.map((end) => Math.max(0, end - allowed)),
  })
  const settled = async (): Promise<void> => {
    await Promise.all(inFlight)
    raise()
  }
  return {
    add: (partition, value) => {
      const values = waiting.get(partition)
      if (values === undefined) waiting.set(partition, [value])
      else values.push(value)
    },
    flush: async () => {
      for (const [partition, values] of waiting) {
        const one: Promise<void> = append(partition, values)
          .catch((error: unknown) => {
            failure ??= error
          })
          .finally(() => inFlight.delete(one))
        inFlight.add(one)
      }
      waiting.clear()
      while (inFlight.size >= APPENDS_IN_FLIGHT) await Promise.race(inFlight)
      raise()
      while (!(await watermarks.waitFor('store', lag(LAG_MAX), 1000))) raise()
    },
    settled,
    applied: async (context) => {
      await settled()
      while (!(await watermarks.waitFor('store', lag(0), 1000))) context.signal.throwIfAborted()
    },
  }
}
