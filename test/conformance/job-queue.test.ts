import { join } from 'node:path'
import { systemClock } from '#ports/clock'
import type { JobQueue } from '#ports/job-queue'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openJobQueue } from '../../infra/embedded/job-queue.ts'
import { createMemoryJobQueue } from '../support/memory/job-queue.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { jobQueueSuite } from './job-queue-suite.ts'

jobQueueSuite({
  name: 'embedded',
  supports: { reopen: true },
  open: async (t) => {
    const path = join(await temporaryFolder(t), 'queue')
    const ids = createIdSource()
    let queue: JobQueue
    const open = async (): Promise<JobQueue> => {
      queue = await openJobQueue({ path, clock: systemClock, telemetry: silentTelemetry, ids })
      return queue
    }
    t.after(() => queue.close())
    const reopen = async (): Promise<JobQueue> => {
      await queue.close()
      return open()
    }
    return { queue: await open(), reopen }
  },
})

jobQueueSuite({
  name: 'memory',
  supports: { reopen: false },
  open: async (t) => {
    const queue = createMemoryJobQueue({ clock: systemClock })
    t.after(() => queue.close())
    return { queue }
  },
})
