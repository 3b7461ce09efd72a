// What a platform looks like at this moment: how far each sink is behind, what waits. Asked when somebody looks (a scrape,
// `status`, the health routes), so that nothing is counted on the way of an event or a query.
import { asMillraceError, type ErrorCode } from '#ports/errors'
import type { Job, JobQueue } from '#ports/job-queue'
import type { Telemetry } from '#ports/telemetry'
import { SINKS, type SinkName } from '#ports/watermarks'
import type { FreshnessMeter } from './freshness-meter.ts'
import type { Platform } from './platform.ts'

/** Jobs looked at: as many as the queue keeps, and those that are not over. */
const JOBS_SEEN = 1000

export interface Figures {
  /** Sum of the ends of the event log's partitions. */
  readonly end: number
  /** Records in the log that a sink has not applied. */
  readonly lag: Readonly<Record<SinkName, number>>
  readonly jobs: Readonly<Record<'waiting' | 'running', number>>
  readonly freshness: ReturnType<FreshnessMeter['figures']>
  /** The newest job of each name and key, if it failed. */
  readonly failed: readonly Job[]
  readonly unfinished: readonly Job[]
}

type Looked = Pick<Platform, 'log' | 'watermarks' | 'queue' | 'freshness'>

export async function figuresOf({ log, watermarks, queue, freshness }: Looked): Promise<Figures> {
  const ends = await Promise.all(Array.from({ length: log.partitions }, (_, p) => log.end(p)))
  const lag = (sink: SinkName): number => {
    const { offsets } = watermarks.applied(sink)
    return ends.reduce((sum, end, p) => sum + Math.max(0, end - (offsets[p] ?? 0)), 0)
  }
  const jobs = await jobsSeen(queue)
  const unfinished = jobs.filter(({ state }) => state === 'waiting' || state === 'running')
  return {
    end: ends.reduce((sum, end) => sum + end, 0),
    lag: { store: lag('store'), index: lag('index'), archive: lag('archive') },
    freshness: freshness.figures(),
    jobs: {
      waiting: unfinished.filter(({ state }) => state === 'waiting').length,
      running: unfinished.filter(({ state }) => state === 'running').length,
    },
    failed: newestOfEach(jobs).filter(({ state }) => state === 'failed'),
    unfinished,
  }
}

/** None while the queue does not answer: its own part of the health says so, and the others are told all the same. */
async function jobsSeen(queue: JobQueue): Promise<readonly Job[]> {
  try {
    return await queue.list(JOBS_SEEN)
  } catch (error) {
    if (asMillraceError(error).code === 'QUEUE_UNAVAILABLE') return []
    throw error
  }
}

/** The newest job of each name and key, of jobs newest first. */
function newestOfEach(jobs: readonly Job[]): Job[] {
  const newest = new Map<string, Job>()
  for (const job of jobs) {
    const key = `${job.name} ${job.key}`
    if (!newest.has(key)) newest.set(key, job)
  }
  return [...newest.values()]
}

/** Why the log may refuse what the rules let through. */
const DROPS = ['OVERLOADED', 'LOG_FULL', 'LOG_UNAVAILABLE'] as const satisfies ErrorCode[]

/** Sets the gauges, and lets counters that have not counted yet be seen as zero. For a scrape. */
export async function emitFigures(platform: Platform, telemetry: Telemetry): Promise<void> {
  const { lag, jobs } = await figuresOf(platform)
  for (const sink of SINKS) {
    telemetry.emit('millrace_sink_lag_records', lag[sink], { sink })
    telemetry.emit('millrace_sink_applied_total', 0, { sink })
    telemetry.emit('millrace_sink_failures_total', 0, { sink })
  }
  for (const state of ['waiting', 'running'] as const) {
    telemetry.emit('millrace_jobs', jobs[state], { state })
  }
  for (const code of DROPS) telemetry.emit('millrace_events_dropped_total', 0, { code })
  for (const reason of ['RECORD_UNREADABLE', 'EVENT_ID_REUSED']) {
    telemetry.emit('millrace_dead_letters_total', 0, { reason })
  }
}
