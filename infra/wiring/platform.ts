// The embedded platform: every port opened over one data folder, in the order in which they need each other, and closed in
// the reverse order. Servers are put in front of it by `servers.ts`; commands run on it by `operations/`.
import { join } from 'node:path'
import type { Archive } from '#ports/archive'
import type { BatchEngine } from '#ports/batch-engine'
import { type Clock, systemClock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import type { EventStore } from '#ports/event-store'
import type { Files } from '#ports/files'
import type { DirectProducers } from '#ports/inboxes'
import type { ItemIndex } from '#ports/item-index'
import type { JobQueue } from '#ports/job-queue'
import type { Closable, Health, HealthSource } from '#ports/lifecycle'
import type { Log } from '#ports/log'
import type { Models } from '#ports/models'
import type { Telemetry } from '#ports/telemetry'
import type { ArchiveCloser, Watermarks } from '#ports/watermarks'
import { createIdSource, type IdSource } from '#schemas/ids'
import { keepRestoring } from '../../batch/restore-versions.ts'
import { registerTrainJob, type Training } from '../../batch/train-job.ts'
import { registerImportJob } from '../../ingest/import-job.ts'
import { createArchive } from '../archive/archive.ts'
import { createModels } from '../archive/models.ts'
import { claimDataFolder, DATA_FORMAT, type DataFolder } from '../embedded/data-folder.ts'
import { openDirectory } from '../embedded/directory.ts'
import { type ArchiveUpkeep, createArchiveUpkeep } from './archive-upkeep.ts'
import { type EngineBatches, openBatchEngines } from './batch-engines.ts'
import { createLetterTally, type LetterTally } from './dead-letters.ts'
import { openFilesAt } from './files-place.ts'
import { createFreshnessMeter, type FreshnessMeter } from './freshness-meter.ts'
import { RETENTION_DAYS, startLogRetention } from './log-retention.ts'
import { openItemIndex, openJobQueue, openLogs } from './open-ports.ts'
import { EMBEDDED_PORTS, type PortUrls } from './port-urls.ts'
import { createReplays, prepareStoreVersion, type Replays } from './replays.ts'
import { ALL_ROLES, isShared, type Role } from './roles.ts'
import { followStreams, type SharedStreamsOptions, startSharedStreams } from './shared-streams.ts'
import { createStoreHandle } from './store-handle.ts'
import { openEventStoreAt } from './store-place.ts'
import { type Streams, startStreams } from './streams-host.ts'

export interface Platform extends Closable {
  readonly folder: DataFolder
  readonly roles: ReadonlySet<Role>
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
  readonly log: Log
  readonly deadLetters: Log
  /** What direct producers use; null where the log has no inboxes. */
  readonly direct: DirectProducers | null
  readonly letterTally: LetterTally
  readonly directory: Directory
  readonly files: Files
  readonly archive: Archive
  readonly models: Models
  readonly store: EventStore
  readonly index: ItemIndex
  readonly queue: JobQueue
  readonly batch: BatchEngine
  readonly watermarks: Watermarks
  readonly archiveCloser: ArchiveCloser
  readonly freshness: FreshnessMeter
  readonly training: Training
  readonly replays: Replays
  readonly upkeep: ArchiveUpkeep
  /** What `health` tells of: the ports, and what servers run beside them. */
  readonly parts: Set<HealthSource>
  /** Days for which the log keeps what all sinks have; 0: for ever. */
  readonly retentionDays: number
  health(): Promise<readonly Health[]>
}

export interface PlatformOptions {
  readonly data: string
  readonly telemetry: Telemetry
  readonly clock?: Clock
  /** URLs of the ports; all embedded by default. */
  readonly ports?: PortUrls
  readonly prefix?: string
  /** What this process runs; everything unless it is one of several. */
  readonly roles?: ReadonlySet<Role>
  readonly retentionDays?: number
  /** Engines that are trained elsewhere than the port says. */
  readonly engineBatches?: EngineBatches
}

/**
 * Opens the platform on a data folder, which it owns until it is closed.
 * @throws MillraceError DATA_FOLDER_OWNED, DATA_FOLDER_VERSION, DATA_FOLDER_FOREIGN, DATA_FOLDER_UNUSABLE
 */
export async function openPlatform(options: PlatformOptions): Promise<Platform> {
  const opened: Closable[] = []
  const keep = <T extends Closable>(part: T): T => {
    opened.push(part)
    return part
  }
  const close = async (): Promise<void> => {
    for (let part = opened.pop(); part !== undefined; part = opened.pop()) await part.close()
  }
  try {
    return await open(options, keep, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function open(
  {
    data,
    telemetry,
    clock = systemClock,
    ports = EMBEDDED_PORTS,
    prefix = 'millrace',
    roles = ALL_ROLES,
    retentionDays = RETENTION_DAYS,
    engineBatches = new Map(),
  }: PlatformOptions,
  keep: <T extends Closable>(part: T) => T,
  close: () => Promise<void>,
): Promise<Platform> {
  const ids = createIdSource()
  const folder = keep(await claimDataFolder(data))
  if (folder.upgradedFrom !== null) {
    telemetry.log('info', 'data-folder-upgraded', { from: folder.upgradedFrom, to: DATA_FORMAT })
  }
  const surroundings = { data, prefix, clock, telemetry, ids }
  const logs = keep(await openLogs(ports, surroundings))
  const secretFile = join(data, 'secret')
  const control = logs.control
  const directory = keep(await openDirectory({ control, secretFile, clock, telemetry, ids }))
  const filesPlace = { url: ports.files, data }
  const files = keep(await openFilesAt(filesPlace, clock))
  const archive = keep(createArchive({ files, telemetry, clock }))
  const models = createModels({ files, telemetry })
  const storePath = await prepareStoreVersion({ data, directory, telemetry })
  const storePlace = { url: ports.store, prefix, path: storePath }
  const store = keep(createStoreHandle(await openEventStoreAt(storePlace, clock)))
  const index = keep(await openItemIndex(ports, surroundings))
  const shared = { clock, telemetry, ids, directory, store, index }
  const sinks = { ...shared, logs, storePlace, filesPlace }
  const streams = keep(await openStreams(sinks, ports, prefix, roles))
  const queue = keep(await openJobQueue(ports, surroundings))
  const batch = keep(await openBatchEngines(ports, engineBatches, surroundings))
  const { watermarks, archive: archiveCloser } = streams
  const repeats = roles.has('streams')
  const upkeep = keep(createArchiveUpkeep({ ...shared, filesPlace, repeats }))
  const days = repeats ? retentionDays : 0
  keep(startLogRetention({ ...shared, log: logs.events, watermarks, days }))
  const freshness = createFreshnessMeter({ watermarks, clock, telemetry })
  const log = freshness.follow(logs.events)
  keep(await keepRestoring({ ...shared, models }))
  const runsJobs = roles.has('batch')
  if (runsJobs) registerImportJob({ queue, log, directory, watermarks, clock, telemetry })
  const training = registerTrainJob({
    ...shared,
    runsJobs,
    queue,
    log,
    archive: archiveCloser,
    ranges: () => archive.ranges(),
    batch,
    models,
    watermarks,
  })
  keep(training)
  const parts = new Set<HealthSource>([log, directory, files, store, index, streams, queue, batch])
  return {
    ...shared,
    folder,
    roles,
    log,
    deadLetters: logs.deadLetters,
    direct: logs.direct,
    letterTally: createLetterTally(logs.deadLetters),
    files,
    archive,
    models,
    queue,
    batch,
    watermarks,
    archiveCloser,
    freshness,
    training,
    upkeep,
    retentionDays,
    replays: createReplays({ ...shared, data, storePlace, log: logs.source, filesPlace, streams }),
    parts,
    health: () => Promise.all([...parts].map((part) => part.health())),
    close,
  }
}

/** The sinks: of this process alone, its share of them, or those of others. */
async function openStreams(
  options: SharedStreamsOptions,
  ports: PortUrls,
  prefix: string,
  roles: ReadonlySet<Role>,
): Promise<Streams> {
  if (!isShared(ports)) return startStreams(options)
  if (!roles.has('streams')) return followStreams(options)
  const { logs, clock, telemetry } = options
  const { partitions } = logs.events
  const { openPartitionClaims } = await import('../kafka/claims.ts')
  return startSharedStreams(options, (onChange) =>
    openPartitionClaims({ url: ports.log, prefix, partitions, clock, telemetry, onChange }),
  )
}
