// The way in that all who send events share: admission, the writer to the log, and the barrier of reads. One a process, so
// that an access key has one bucket and what waits for the log is bounded once, whichever server the events came to.
import type { Clock } from '#ports/clock'
import type { EventStore } from '#ports/event-store'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import type { Watermarks } from '#ports/watermarks'
import type { IdSource } from '#schemas/ids'
import { type Admission, createAdmission } from './admission.ts'
import { INGEST_LIMITS, type IngestLimits } from './limits.ts'
import { createReadBarrier, type ReadBarrier } from './read-barrier.ts'
import { createStats, type Stats } from './stats.ts'
import { createWriter, type Writer } from './writer.ts'

export interface IntakeDeps {
  readonly log: Log
  /** A reader of its own: the barrier refreshes it. */
  readonly store: EventStore
  readonly watermarks: Watermarks
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
  /** Counts for `/stats.json`; without them there are none. */
  readonly stats?: boolean
  /** Limits other than INGEST_LIMITS. */
  readonly limits?: Partial<IngestLimits>
}

export interface Intake {
  readonly admission: Admission
  readonly writer: Writer
  readonly barrier: ReadBarrier
  readonly store: EventStore
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
  readonly partitions: number
  readonly stats: Stats | null
  readonly limits: IngestLimits
}

export function createIntake(deps: IntakeDeps): Intake {
  const limits: IngestLimits = { ...INGEST_LIMITS, ...deps.limits }
  const { clock, ids, log, store, telemetry, watermarks } = deps
  return {
    admission: createAdmission(limits.eventsPerSecond, limits.batchEventsMax, clock),
    writer: createWriter({ log, clock, telemetry, limits }),
    barrier: createReadBarrier({ log, watermarks, store, limits }),
    store,
    clock,
    telemetry,
    ids,
    partitions: log.partitions,
    stats: deps.stats ? createStats(clock) : null,
    limits,
  }
}
