// The jobs of one name. BullMQ's deduplication keeps the keys apart: while a job of a key waits, a second request joins it; while it
// runs, the newest request is kept beside it (`dn:<key>`, with the id of the job that it will be) and becomes a job when it ends. So
// there are never two jobs of a key at once, over all processes, and this holds in Redis, not in us.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Job } from '#ports/job-queue'
import type { IdSource } from '#schemas/ids'
import type { JsonObject } from '#schemas/json'
import type { JobData, NamedQueue, Redis, StoredJob } from './client.ts'
import { isOver, jobOf, newJob, stateOf, WAITING_STATES } from './job-record.ts'
import { nextJobs } from './next-jobs.ts'

/** Each further attempt means that a job of the key has ended meanwhile. */
const ADD_ATTEMPTS = 10
export interface JobsOfName {
  readonly queue: NamedQueue
  add(key: string, data: JsonObject): Promise<Job>
  get(id: string): Promise<Job | null>
  /** All that wait, run or ended, in no order; without those that were cancelled while they waited. */
  list(): Promise<readonly Job[]>
  /** Takes a waiting job away; false when it does not wait any more. */
  takeWaiting(job: Job): Promise<boolean>
  count(): Promise<{ readonly waiting: number; readonly running: number }>
}

export interface JobsOfNameDeps {
  readonly name: string
  readonly queue: NamedQueue
  readonly redis: Redis
  readonly clock: Clock
  readonly ids: IdSource
}

export function jobsOfName({ name, queue, redis, clock, ids }: JobsOfNameDeps): JobsOfName {
  const next = nextJobs(name, queue, redis)

  const put = async (id: string, data: JobData): Promise<string> => {
    const deduplication = { id: data.key, keepLastIfActive: true }
    const added = await queue.add(name, data, { jobId: id, deduplication })
    return added.id ?? id
  }

  const holders = (): Promise<StoredJob[]> => queue.getJobs(['active', ...WAITING_STATES])

  const get = async (id: string): Promise<Job | null> => {
    const stored = await getStored(queue, id)
    if (stored !== null) return stored
    const kept = (await next.behind(await holders())).find((job) => job.id === id)
    // What was kept behind a job may have become one while we looked.
    return kept ?? getStored(queue, id)
  }

  const isOurs = async (id: string, request: string): Promise<boolean> =>
    (await queue.getJob(id))?.data.request === request

  return {
    queue,
    get,
    add: async (key, data) => {
      for (let attempt = 0; attempt < ADD_ATTEMPTS; attempt++) {
        const createdAt = clock.now()
        const request = ids(createdAt)
        const before = await queue.getDeduplicationJobId(key)
        const id = before === null ? request : await next.idBehind(before, request)
        const stored: JobData = { key, data, createdAt, checkpoint: null, request }
        const holder = await put(id, stored)
        if (holder === id && id === request) return newJob(id, name, stored)
        const job = (await get(id)) ?? (await get(holder))
        if (job === null) continue
        // One that had begun before we asked does not count: it may not have seen what we have.
        if (job.state === 'waiting' || (await isOurs(job.id, request))) return job
      }
      throw new MillraceError('QUEUE_UNAVAILABLE', { reason: `jobs of ${key} end too fast` })
    },
    list: async () => {
      // In the order in which a job moves, so that none is missed on its way.
      const behind = await next.behind(await holders())
      const waiting = await queue.getJobs([...WAITING_STATES])
      const running = await queue.getJobs(['active'])
      const ended = await queue.getJobs(['completed', 'failed'])
      // A job that moved while we looked is taken where it was last.
      const found = new Map(behind.map((job) => [job.id, job]))
      for (const stored of waiting) found.set(stored.id ?? '', jobOf(stored, 'waiting'))
      for (const stored of running) found.set(stored.id ?? '', jobOf(stored, 'running'))
      for (const stored of ended) {
        const state = stateOf(stored.failedReason ? 'failed' : 'completed', stored.failedReason)
        found.set(stored.id ?? '', jobOf(stored, state ?? 'failed'))
      }
      return [...found.values()]
    },
    takeWaiting: async ({ id, key }) => {
      const holder = await queue.getDeduplicationJobId(key)
      const kept = await next.of(key)
      if (kept?.id === id) return next.drop(key, id, holder)
      if ((await queue.remove(id)) !== 1) return false
      // With a job that waits again after its worker died goes what was kept behind it.
      if (kept !== null && holder === id) await put(kept.id, kept.data)
      return true
    },
    count: async () => {
      const [waiting, running] = await Promise.all([
        queue.getWaitingCount(),
        queue.getActiveCount(),
      ])
      return { waiting, running }
    },
  }
}

async function getStored(queue: NamedQueue, id: string): Promise<Job | null> {
  // The state is newer than the job that was read before it: when it has ended meanwhile it is read again.
  for (let look = 0; look < 2; look++) {
    const stored = await queue.getJob(id)
    if (stored === undefined) return null
    const state = stateOf(await queue.getJobState(id), stored.failedReason)
    if (state === null || (isOver(state) && stored.finishedOn === undefined)) continue
    return jobOf(stored, state)
  }
  return null
}
