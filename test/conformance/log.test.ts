import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { openSharedLogReader } from '../../infra/embedded/log-reader.ts'
import { type EmbeddedLogs, openLogs } from '../../infra/embedded/logs.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { type LogFactory, logSuite } from './log-suite.ts'

const embedded = (which: 'events' | 'control' | 'deadLetters'): LogFactory => ({
  name: `embedded ${which}`,
  supports: {
    partitions: false,
    reopen: true,
    sharedReader: which === 'events',
    hiddenUntilResolved: true,
  },
  open: async (t) => {
    const path = await mkdtemp(join(tmpdir(), 'millrace-log-'))
    const options = { path, clock: systemClock, telemetry: silentTelemetry }
    let logs: EmbeddedLogs = await openLogs(options)
    t.after(async () => {
      await logs.close()
      await rm(path, { recursive: true, force: true })
    })
    return {
      log: logs[which],
      reopen: async () => {
        await logs.close()
        logs = await openLogs(options)
        return logs[which]
      },
      openReader: () => openSharedLogReader(logs.share()),
    }
  },
})

logSuite(embedded('events'))
logSuite(embedded('control'))
logSuite(embedded('deadLetters'))
logSuite({
  name: 'memory',
  supports: { partitions: true, reopen: false, sharedReader: false, hiddenUntilResolved: true },
  open: async () => ({ log: createMemoryLog({ partitions: 3 }) }),
})
