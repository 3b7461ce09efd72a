import { join } from 'node:path'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createArchive } from '../../infra/archive/archive.ts'
import { createModels } from '../../infra/archive/models.ts'
import { createWorkerBatchEngine } from '../../infra/embedded/batch-engine.ts'
import { openFolderFiles } from '../../infra/embedded/folder-files.ts'
import { createMemoryBatchEngine } from '../support/memory/batch-engine.ts'
import { createMemoryFiles } from '../support/memory/files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { batchEngineSuite } from './batch-engine-suite.ts'

batchEngineSuite({
  name: 'worker',
  open: async (t) => {
    const data = await temporaryFolder(t)
    const files = await openFolderFiles({ root: join(data, 'files') })
    const entry = new URL('../../infra/wiring/train-worker.ts', import.meta.url)
    const batch = createWorkerBatchEngine({
      entry,
      workerData: { files: { url: 'file:', data }, batch: 'worker:' },
      threads: 2,
    })
    t.after(async () => {
      await batch.close()
      await files.close()
    })
    return { files, batch }
  },
})

batchEngineSuite({
  name: 'memory',
  open: async () => {
    const files = createMemoryFiles()
    const shared = { files, telemetry: silentTelemetry, clock: systemClock }
    const archive = createArchive(shared)
    const batch = createMemoryBatchEngine({
      archive,
      models: createModels(shared),
      clock: systemClock,
    })
    return { files, batch }
  },
})
