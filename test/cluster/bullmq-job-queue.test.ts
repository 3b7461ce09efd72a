// The job queue over a real Redis: the suite of the port.
import { systemClock } from '#ports/clock'
import type { JobQueue } from '#ports/job-queue'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openJobQueue } from '../../infra/bullmq/job-queue.ts'
import { jobQueueSuite } from '../conformance/job-queue-suite.ts'
import { clusterUrl } from '../support/test-cluster.ts'

let opened = 0

jobQueueSuite({
  name: 'BullMQ',
  supports: { reopen: true },
  settleMs: 300,
  open: async (t) => {
    const prefix = `test-${process.pid}-${opened++}`
    const ids = createIdSource()
    let queue: JobQueue
    const open = async (): Promise<JobQueue> => {
      const url = clusterUrl('queue')
      const telemetry = silentTelemetry
      queue = await openJobQueue({ url, prefix, clock: systemClock, telemetry, ids })
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
