// What processes tell each other about jobs, over one channel of Redis: progress, ends, and the wish that a job be cancelled. A
// notice may be lost (a connection that breaks), so nobody waits for one alone.
import type { JobProgress } from '#ports/job-queue'
import type { BullMq } from './client.ts'

export type Notice =
  | { readonly kind: 'progress'; readonly job: string; readonly progress: JobProgress }
  | { readonly kind: 'ended'; readonly job: string }
  | { readonly kind: 'cancel'; readonly job: string }

export interface Notices {
  /** From the moment this resolves notices are heard, those of every job by `takeAll`. */
  listen(takeAll: (notice: Notice) => void): Promise<void>
  /** Resolves when Redis has it. */
  tell(notice: Notice): Promise<void>
  /** Hears of one job until the returned function is called. */
  hear(job: string, take: (notice: Notice) => void): () => void
}

export function createNotices(bullMq: BullMq, channel: string): Notices {
  const hearers = new Map<string, Set<(notice: Notice) => void>>()
  return {
    listen: (takeAll) =>
      bullMq.subscribe(channel, (message) => {
        const notice = JSON.parse(message) as Notice
        takeAll(notice)
        for (const take of hearers.get(notice.job) ?? []) take(notice)
      }),
    tell: async (notice) => {
      await bullMq.redis.publish(channel, JSON.stringify(notice))
    },
    hear: (job, take) => {
      const known = hearers.get(job) ?? new Set()
      known.add(take)
      hearers.set(job, known)
      return () => {
        known.delete(take)
        if (known.size === 0) hearers.delete(job)
      }
    },
  }
}
