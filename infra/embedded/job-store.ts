// Jobs on disk: one value a job, in order of their adding. The queue reads them once, at its opening, and holds them in
// memory from then on: active ones and a bounded history.
import { open } from 'lmdb'
import { MillraceError } from '#ports/errors'
import type { Job } from '#ports/job-queue'
import { isFull, messageOf } from './errors.ts'
import { committed, DURABLE_ENVIRONMENT, probeFull } from './lmdb.ts'

export interface StoredJob {
  readonly job: Job
  /** Times the process died while it ran. */
  readonly crashes: number
}

export interface JobStore {
  /** All jobs with their numbers, oldest first. */
  load(): readonly { readonly number: number; readonly stored: StoredJob }[]
  /** Durable when it resolves. @throws MillraceError DISK_FULL, INTERNAL */
  save(number: number, stored: StoredJob): Promise<void>
  remove(number: number): Promise<void>
  close(): Promise<void>
}

/** Jobs of before there were retries say nothing of them. */
function storedJob(text: string): StoredJob {
  const { job, crashes } = JSON.parse(text) as StoredJob
  return { job: { ...job, failures: job.failures ?? 0, retryAt: job.retryAt ?? null }, crashes }
}

export function openJobStore(path: string): JobStore {
  const environment = open({ path, mapSize: 64 * 2 ** 20, ...DURABLE_ENVIRONMENT })
  const table = environment.openDB<Buffer, number>('jobs', { encoding: 'binary' })
  const write = async (action: () => Promise<boolean>, bytes: number): Promise<void> => {
    try {
      await committed(action())
    } catch (cause) {
      if (isFull(cause) || (await probeFull(path, bytes))) {
        throw new MillraceError('DISK_FULL', { what: 'the job queue' }, { cause })
      }
      throw new MillraceError('INTERNAL', { reason: messageOf(cause) }, { cause })
    }
  }
  return {
    load: () =>
      Array.from(table.getRange(), ({ key, value }) => ({
        number: key,
        stored: storedJob(value.toString()),
      })),
    save: (number, stored) => {
      const bytes = Buffer.from(JSON.stringify(stored))
      return write(() => table.put(number, bytes), bytes.length)
    },
    remove: (number) => write(() => table.remove(number), 0),
    close: () => environment.close(),
  }
}
