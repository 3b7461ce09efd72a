// Ended jobs, of all names together: the newest JOBS_KEPT are kept. BullMQ has those that ran; those that were cancelled before they
// did are kept beside it, one hash a name.
import { JOBS_KEPT, type Job } from '#ports/job-queue'
import type { BullMq, NamedQueue } from './client.ts'

export interface History {
  /** Keeps a job that was cancelled while it waited. */
  keep(job: Job): Promise<void>
  /** Those that were kept. */
  list(name: string): Promise<readonly Job[]>
  get(name: string, id: string): Promise<Job | null>
  /** Forgets all but the newest. */
  forgetOld(names: readonly string[]): Promise<void>
}

interface Ended {
  readonly id: string
  readonly endedAt: number
  readonly forget: () => Promise<unknown>
}

export function openHistory(
  { redis, scoresOf }: Pick<BullMq, 'redis' | 'scoresOf'>,
  queue: (name: string) => NamedQueue,
): History {
  const keyOf = (name: string): string => queue(name).toKey('cancelled')
  const list = async (name: string): Promise<Job[]> =>
    (await redis.hvals(keyOf(name))).map((text) => JSON.parse(text) as Job)

  const endedOf = async (name: string): Promise<Ended[]> => {
    const ran = await Promise.all(
      ['completed', 'failed'].map((state) => scoresOf(queue(name).toKey(state))),
    )
    return [
      ...ran.flat().map(({ member, score }) => ({
        id: member,
        endedAt: score,
        forget: () => queue(name).remove(member),
      })),
      ...(await list(name)).map(({ id, endedAt }) => ({
        id,
        endedAt: endedAt ?? 0,
        forget: () => redis.hdel(keyOf(name), id),
      })),
    ]
  }

  return {
    list,
    keep: async (job) => {
      await redis.hset(keyOf(job.name), job.id, JSON.stringify(job))
    },
    get: async (name, id) => {
      const text = await redis.hget(keyOf(name), id)
      return text === null ? null : (JSON.parse(text) as Job)
    },
    forgetOld: async (names) => {
      const ended = (await Promise.all(names.map(endedOf))).flat()
      ended.sort((a, b) => a.endedAt - b.endedAt || (a.id < b.id ? -1 : 1))
      for (const { forget } of ended.slice(0, -JOBS_KEPT)) await forget()
    },
  }
}
