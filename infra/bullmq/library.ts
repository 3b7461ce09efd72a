// Loads BullMQ and ioredis, and connects: three connections a process, and one more for each name of jobs that it runs.

import type { Worker } from 'bullmq'
import type { Redis as IORedis } from 'ioredis'
import { MillraceError } from '#ports/errors'
import { JOB_CRASHES_MAX, JOBS_KEPT } from '#ports/job-queue'
import type { JsonObject } from '#schemas/json'
import type { BullMq, JobData, JobWorker, WorkerEvents } from './client.ts'
import type { RedisConfig } from './config.ts'
import { startError } from './errors.ts'

const CONNECT_MS = 5000
/** A command that is not answered in this time fails, also while the server is away. */
const COMMAND_MS = 3000
const RECONNECT_MAX_MS = 2000
/** BullMQ's deduplication needs LPOS. */
const VERSION_LOWEST = '6.2.0'
/** Jobs of one name that a process runs side by side. */
const JOBS_AT_ONCE = 16
/** A worker that has not been heard of for this long has lost its job … */
const LOCK_MS = 15_000
/** … and this often somebody looks for such jobs. */
const STALLED_MS = 5000

/**
 * Connects to Redis.
 * @param told hears of faults of the connections, which are mended by themselves
 * @throws MillraceError SERVER_UNREACHABLE, SERVER_REFUSED, SERVER_VERSION
 */
export async function openBullMq(
  config: RedisConfig,
  told: (error: Error) => void,
): Promise<BullMq> {
  const [bull, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')])
  const commands = new Redis({ ...optionsOf(config), commandTimeout: COMMAND_MS })
  await connect(commands, config, told)
  // BullMQ wants its workers' commands to wait for as long as the server is away.
  const blocking = new Redis({ ...optionsOf(config), maxRetriesPerRequest: null })
  const subscriber = new Redis({ ...optionsOf(config), maxRetriesPerRequest: null })
  const connections = [commands, blocking, subscriber]
  await Promise.all([connect(blocking, config, told), connect(subscriber, config, told)])
  const { prefix } = config
  const queueOptions = { connection: commands, prefix, skipVersionCheck: true }
  return {
    redis: commands,
    scoresOf: async (key) => {
      const flat = await commands.zrange(key, '0', '-1', 'WITHSCORES')
      return Array.from({ length: flat.length / 2 }, (_, n) => ({
        member: flat[2 * n] ?? '',
        score: Number(flat[2 * n + 1]),
      }))
    },
    queue: (name) => {
      const queue = new bull.Queue<JobData, JsonObject, string>(name, {
        ...queueOptions,
        defaultJobOptions: {
          removeOnComplete: { count: JOBS_KEPT },
          removeOnFail: { count: JOBS_KEPT },
        },
      })
      queue.on('error', told)
      return queue
    },
    worker: (name, run, events) =>
      startWorker(
        new bull.Worker<JobData, JsonObject>(
          name,
          // BullMQ gives a signal to functions that name it.
          async (job, token, signal) => {
            const outcome = await run(job, signal ?? new AbortController().signal)
            if (outcome.kind === 'done') return outcome.result
            if (outcome.kind === 'retry') {
              await job.moveToDelayed(outcome.at, token)
              throw new bull.DelayedError()
            }
            await job.moveToWait(token)
            throw new bull.WaitingError()
          },
          {
            connection: blocking,
            prefix,
            concurrency: JOBS_AT_ONCE,
            lockDuration: LOCK_MS,
            stalledInterval: STALLED_MS,
            maxStalledCount: JOB_CRASHES_MAX - 1,
            skipVersionCheck: true,
          },
        ),
        blocking,
        events,
      ),
    subscribe: async (channel, take) => {
      subscriber.on('message', (from: string, message: string) => {
        if (from === channel) take(message)
      })
      await subscriber.subscribe(channel)
    },
    evictionPolicy: async () =>
      /^maxmemory_policy:(\S+)/m.exec(await commands.info('memory'))?.[1] ?? 'unknown',
    close: async () => {
      for (const connection of connections) connection.disconnect()
    },
  }
}

function startWorker(
  worker: Worker<JobData, JsonObject>,
  connection: IORedis,
  events: WorkerEvents,
): JobWorker {
  const ended = (job: { readonly id?: string | undefined } | undefined): void => {
    if (job?.id !== undefined) events.ended(job.id)
  }
  worker.on('completed', ended)
  worker.on('failed', ended)
  worker.on('stalled', (id) => events.stalled(id))
  worker.on('lockRenewalFailed', (ids) => {
    // Another worker may have these jobs already: two must not go on.
    for (const id of ids) worker.cancelJob(id)
  })
  worker.on('error', events.failed)
  let closed: Promise<void> | null = null
  return {
    cancel: (id) => worker.cancelJob(id),
    stop: async () => {
      // While the server is away nothing can be put back, and BullMQ would wait for it for ever.
      if (connection.status !== 'ready') return
      closed = worker.close()
      // Until this connection has ended, a job that is put back wakes the very worker that puts it back.
      await worker.backend.disconnectBlocking(true)
    },
    end: () => {
      worker.cancelAllJobs()
      closed ??= worker.close(true)
      return closed
    },
  }
}

/** @throws MillraceError SERVER_UNREACHABLE, SERVER_REFUSED, SERVER_VERSION */
async function connect(
  redis: IORedis,
  config: RedisConfig,
  told: (error: Error) => void,
): Promise<void> {
  let last: Error | null = null
  const keep = (error: Error): void => {
    last = error
  }
  redis.on('error', keep)
  try {
    await redis.connect()
    const found = /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown'
    if (!isAtLeast(found, VERSION_LOWEST)) {
      const known = `${VERSION_LOWEST} or later`
      const details = { port: 'queue', address: config.address, found, known }
      throw new MillraceError('SERVER_VERSION', details)
    }
  } catch (error) {
    redis.disconnect()
    // What connect() throws says less than what was told before: "Connection is closed."
    throw startError(error instanceof MillraceError ? error : (last ?? error), config)
  }
  redis.off('error', keep)
  redis.on('error', told)
  // A wrong address is told at the start; later on the server may be away for a while.
  redis.options.retryStrategy = (attempt) => Math.min(attempt * 100, RECONNECT_MAX_MS)
}

function optionsOf(config: RedisConfig) {
  return {
    host: config.host,
    port: config.port,
    ...(config.user === undefined ? {} : { username: config.user }),
    ...(config.password === undefined ? {} : { password: config.password }),
    db: config.database,
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    retryStrategy: () => null,
  }
}

function isAtLeast(found: string, lowest: string): boolean {
  return found.localeCompare(lowest, 'en', { numeric: true }) >= 0
}
