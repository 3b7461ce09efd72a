// Opens the implementation of a port that its URL names. Those over a server are loaded only when a configuration names them.

import { join } from 'node:path'
import type { BatchEngine } from '#ports/batch-engine'
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { FactorTraining } from '#ports/factor-training'
import type { ItemIndex } from '#ports/item-index'
import type { JobQueue } from '#ports/job-queue'
import type { SqlSession } from '#ports/sql-session'
import type { Telemetry } from '#ports/telemetry'
import type { IdSource } from '#schemas/ids'
import { createWorkerBatchEngine } from '../embedded/batch-engine.ts'
import { createItemIndex } from '../embedded/item-index.ts'
import { openJobQueue as openEmbeddedJobQueue } from '../embedded/job-queue.ts'
import { openLogs as openEmbeddedLogs } from '../embedded/logs.ts'
import type { SqlSessionOptions } from '../spark/sql-session.ts'
import { type Logs, withSource } from './log-source.ts'
import { type PortName, type PortUrls, SCHEMES, type Scheme, schemeOf } from './port-urls.ts'

/** What an implementation may need beside its URL. */
export interface Surroundings {
  /** Absolute path of the data folder. */
  readonly data: string
  /** Begins the name of every topic, table, index and queue on a server. */
  readonly prefix: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
}

type Opener<T> = (surroundings: Surroundings, url: string, urls: PortUrls) => Promise<T>
type Openers<P extends PortName, T> = Readonly<Record<Scheme<P>, Opener<T>>>

const LOGS: Openers<'log', Logs> = {
  'lmdb:': async ({ data, clock, telemetry }) =>
    withSource(await openEmbeddedLogs({ path: join(data, 'log'), clock, telemetry })),
  'kafka:': async ({ prefix, clock, telemetry }, url) => {
    const { openKafkaLogs } = await import('../kafka/logs.ts')
    const logs = await openKafkaLogs({ url, prefix, clock, telemetry })
    return { ...logs, source: { scheme: 'kafka:', url, prefix } }
  },
}

const openElasticsearch: Opener<ItemIndex> = async (surroundings, url) => {
  const { openItemIndex } = await import('../elasticsearch/item-index.ts')
  return openItemIndex({ ...surroundings, url })
}

const INDEXES: Openers<'index', ItemIndex> = {
  'arrays:': async ({ telemetry }) => createItemIndex({ telemetry }),
  'http:': openElasticsearch,
  'https:': openElasticsearch,
}

const QUEUES: Openers<'queue', JobQueue> = {
  'lmdb:': ({ data, clock, telemetry, ids }) =>
    openEmbeddedJobQueue({ path: join(data, 'queue'), clock, telemetry, ids }),
  'redis:': async ({ prefix, clock, telemetry, ids }, url) => {
    const { openJobQueue } = await import('../bullmq/job-queue.ts')
    return openJobQueue({ url, prefix, clock, telemetry, ids })
  },
}

const TRAIN_WORKER = new URL('./train-worker.ts', import.meta.url)

const ENGINES: Openers<'batch', BatchEngine> = {
  'worker:': async ({ data }, url, { files }) =>
    createWorkerBatchEngine({
      entry: TRAIN_WORKER,
      workerData: { files: { url: files, data }, batch: url },
    }),
  'sc:': async ({ data, clock }, url, { files }) => {
    const { createSparkEngine } = await import('./spark-engine.ts')
    return createSparkEngine({ url, files: { url: files, data }, clock, entry: TRAIN_WORKER })
  },
}

function opener<P extends PortName, T>(port: P, openers: Openers<P, T>) {
  return (urls: PortUrls, surroundings: Surroundings): Promise<T> => {
    const scheme = schemeOf(port, urls[port])
    if (scheme === null) {
      const supported = SCHEMES[port].join(', ')
      throw new MillraceError('CONFIG_UNSUPPORTED', { where: port, value: urls[port], supported })
    }
    return openers[scheme](surroundings, urls[port], urls)
  }
}

export const openLogs = opener('log', LOGS)
export const openItemIndex = opener('index', INDEXES)
export const openJobQueue = opener('queue', QUEUES)
export const openBatchEngine = opener('batch', ENGINES)

/** A session with the Spark of the setting "batch". @throws MillraceError SPARK_UNREACHABLE, SERVER_VERSION, … */
export async function openSqlSession(
  options: SqlSessionOptions,
): Promise<SqlSession & FactorTraining> {
  const spark = await import('../spark/sql-session.ts')
  return spark.openSqlSession(options)
}
