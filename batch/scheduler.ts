// The clock of the schedules: once a minute it looks at every engine that has one and asks for the trainings that are due,
// by the same job as everybody who asks for one. It remembers nothing: schedules and trainings are in the directory.
import type { Archive } from '#ports/archive'
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { asMillraceError } from '#ports/errors'
import type { JobQueue } from '#ports/job-queue'
import type { Closable } from '#ports/lifecycle'
import type { LogReader } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import type { Engine } from '#schemas/directory'
import { countNewEvents } from './new-events.ts'
import { isTrainingDue, scheduleText, trainedUpTo } from './schedule.ts'
import { TRAIN_JOB } from './train-job.ts'

export const TICK_MS = 60_000
/** Jobs that are looked through for a training that waits or runs; ended ones are kept up to 200. */
const JOBS_LOOKED_AT = 1000

export interface SchedulerDeps {
  readonly directory: Directory
  readonly queue: JobQueue
  readonly archive: Pick<Archive, 'ranges' | 'end'>
  readonly log: LogReader
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** Starts looking: at once, which makes up for what was missed, and then every minute until it is closed. */
export function startScheduler(deps: SchedulerDeps): Closable {
  const closing = new AbortController()
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await askForDue(deps)
      await deps.clock.sleep(TICK_MS, closing.signal)
    }
  }
  const running = run()
  return {
    close: async () => {
      closing.abort()
      await running
    },
  }
}

/** Asks for the trainings that are due now; what fails for one engine is logged and tried again next time. */
export async function askForDue(deps: SchedulerDeps): Promise<void> {
  for (const engine of deps.directory.state.engines.values()) {
    if (engine.schedule === null) continue
    try {
      if (!(await isDue(deps, engine))) continue
      await deps.queue.add(TRAIN_JOB, engine.id, { engineId: engine.id, asOf: null })
      const schedule = scheduleText(engine.schedule)
      deps.telemetry.log('info', 'training-scheduled', { engineId: engine.id, schedule })
    } catch (error) {
      const { code, message } = asMillraceError(error)
      deps.telemetry.log('warn', 'schedule-failed', { engineId: engine.id, code, message })
    }
  }
}

async function isDue(
  { queue, archive, log, clock }: SchedulerDeps,
  engine: Engine,
): Promise<boolean> {
  const jobs = await queue.list(JOBS_LOOKED_AT)
  const busy = jobs.some(
    ({ name, key, state }) =>
      name === TRAIN_JOB && key === engine.id && (state === 'waiting' || state === 'running'),
  )
  const { schedule, appId: app } = engine
  const newEvents =
    busy || schedule?.type !== 'after-events'
      ? 0
      : await countNewEvents({
          archive,
          log,
          app,
          behind: trainedUpTo(engine),
          enough: schedule.count,
        })
  return isTrainingDue({ engine, newEvents, busy, now: clock.now() })
}
