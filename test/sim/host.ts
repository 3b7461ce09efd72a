// One simulated process: event server, query server, trainings and the streams of its threads, over what outlives it.
import type { FastifyInstance } from 'fastify'
import type { Archive } from '#ports/archive'
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import type { EventStore } from '#ports/event-store'
import type { ItemIndex } from '#ports/item-index'
import type { JobQueue } from '#ports/job-queue'
import type { Log } from '#ports/log'
import { silentTelemetry } from '#ports/telemetry'
import type { ArchiveCloser } from '#ports/watermarks'
import type { IdSource } from '#schemas/ids'
import { restoreVersions } from '../../batch/restore-versions.ts'
import { registerTrainJob, type Training } from '../../batch/train-job.ts'
import { createArchive } from '../../infra/archive/archive.ts'
import { createModels } from '../../infra/archive/models.ts'
import { createIntake } from '../../ingest/intake.ts'
import { createQueryServer } from '../../serving/server.ts'
import { createMemoryBatchEngine } from '../support/memory/batch-engine.ts'
import { lendEventServer } from './event-servers.ts'
import { createLifeClock } from './faulty-clock.ts'
import { createFaultyFiles } from './faulty-files.ts'
import { createFaultyIndex, createIndexCore, type FaultyIndex } from './faulty-index.ts'
import { createFaultyLog } from './faulty-log.ts'
import { createFaultyStoreReader } from './faulty-store.ts'
import { planted } from './plants.ts'
import type { Life } from './scheduler.ts'
import { createSharedDirectory } from './shared-directory.ts'
import { type SimulatedStreams, startSimulatedStreams } from './streams.ts'
import type { World } from './world.ts'

export interface HostParts {
  readonly life: Life
  readonly clock: Clock
  readonly directory: Directory
  readonly store: EventStore
  readonly index: ItemIndex
  /** What stands in the index. */
  readonly told: FaultyIndex
}

export interface Host extends HostParts {
  readonly streams: SimulatedStreams
  readonly eventServer: FastifyInstance
  /** Made for the first query. */
  readonly queryServer: () => FastifyInstance
  readonly queue: JobQueue
  readonly log: Log
  readonly archive: Archive
  readonly archiveCloser: ArchiveCloser
  readonly ids: IdSource
  readonly training: Training
  /** Every active and previous version could be loaded at the start. */
  readonly restored: boolean
}

/** Records that may wait for the log at once: few, so that the limit is met. */
export const WAITING_RECORDS_MAX = 4

/** Resolves when the process is ready; never when it ends before. */
export async function startHost(world: World, life: Life): Promise<Host> {
  const { scheduler, faults, plants, disk, events, ids } = world
  const access = { life, scheduler, faults }
  const planting = { scheduler, life, disk }
  const telemetry = silentTelemetry
  const clock = createLifeClock(scheduler.clock, life)
  const control = { control: world.control, clock, ...access }
  const directory = planted(plants, 'directory', createSharedDirectory(control), planting)
  await directory.catchUp()
  const reader = createFaultyStoreReader({ disk, life, scheduler })
  const store = planted(plants, 'storeReader', reader, planting)
  const core = world.sharedIndex ?? createIndexCore()
  const told = createFaultyIndex({ core, ...access })
  const index: ItemIndex = planted(plants, 'index', told, planting)
  const parts = { life, clock, directory, store, index, told }
  const streams = await startSimulatedStreams(world, parts)
  const { watermarks } = streams
  const archiveCloser = planted(plants, 'archiveCloser', streams.archive, planting)
  const files = createFaultyFiles({ files: world.files, ...access })
  const models = planted(plants, 'models', createModels({ files, telemetry }), planting)
  const failures = await restoreVersions({ directory, models, index, telemetry })
  const log = planted(
    plants,
    'ingestLog',
    createFaultyLog({ name: 'log', log: events, ...access }),
    planting,
  )
  const shared = { directory, store, index, watermarks, clock, telemetry }
  const limits = world.isCalm ? {} : { waitingRecordsMax: WAITING_RECORDS_MAX }
  const intake = createIntake({ ...shared, log, ids, limits })
  const eventServer = lendEventServer(life, { intake, directory })
  let queryServer: FastifyInstance | null = null
  const queue = planted(plants, 'queue', world.queue.open(life), planting)
  const { generation } = events
  const archive = createArchive({ files, telemetry, clock, generation })
  const batch = createMemoryBatchEngine({ archive, models, clock })
  const training = registerTrainJob({
    ...shared,
    models,
    queue,
    log,
    archive: archiveCloser,
    ranges: () => archive.ranges(),
    batch: planted(plants, 'batch', batch, planting),
    ids,
  })
  const restored = failures.length === 0
  return {
    ...parts,
    queryServer: () => {
      queryServer ??= createQueryServer({ ...shared, open: true })
      return queryServer
    },
    ...{ streams, eventServer, queue, training, restored },
    ...{ log, archive, archiveCloser, ids },
  }
}
