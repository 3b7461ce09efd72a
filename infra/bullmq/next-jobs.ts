// The newest request for a key whose job runs: BullMQ keeps it in a hash `dn:<key>` and makes a job of it when the one before it has
// ended. Its id is agreed on by all who ask, so that each of them can follow it.
import type { Job } from '#ports/job-queue'
import type { JobData, NamedQueue, Redis, StoredJob } from './client.ts'
import { newJob } from './job-record.ts'

/** Longer than any job runs. */
const AGREED_SECONDS = 30 * 86_400

/** Deletes what is kept for a key, if it is still this job, and the id that was agreed on for it. */
const DROP = `if redis.call('HGET', KEYS[1], 'jid') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
return redis.call('DEL', KEYS[1])`

export interface NextJobs {
  /** The id of the job behind this one: of all who ask, the first decides. */
  idBehind(id: string, mine: string): Promise<string>
  of(key: string): Promise<{ readonly id: string; readonly data: JobData } | null>
  /** Those behind any of these jobs. */
  behind(jobs: readonly StoredJob[]): Promise<readonly Job[]>
  /** @returns false when this job is not kept any more: it has become one that waits */
  drop(key: string, id: string, holder: string | null): Promise<boolean>
}

export function nextJobs(name: string, queue: NamedQueue, redis: Redis): NextJobs {
  const keptKey = (key: string): string => queue.toKey(`dn:${key}`)
  const agreedKey = (id: string): string => queue.toKey(`behind:${id}`)

  const of: NextJobs['of'] = async (key) => {
    const [id, data] = await redis.hmget(keptKey(key), 'jid', 'data')
    return id && data ? { id, data: JSON.parse(data) as JobData } : null
  }

  return {
    of,
    idBehind: async (id, mine) => {
      await redis.set(agreedKey(id), mine, 'EX', AGREED_SECONDS, 'NX')
      return (await redis.get(agreedKey(id))) ?? mine
    },
    behind: async (jobs) => {
      const keys = [...new Set(jobs.map(({ data }) => data.key))]
      const kept = await Promise.all(keys.map(of))
      return kept.flatMap((found) => (found === null ? [] : [newJob(found.id, name, found.data)]))
    },
    drop: async (key, id, holder) => {
      const keys = [keptKey(key), agreedKey(holder ?? '')]
      return (await redis.eval(DROP, keys.length, ...keys, id)) === 1
    },
  }
}
