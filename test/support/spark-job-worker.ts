// A process that runs trainings as jobs of a queue over Redis, on Spark and by the slow trainer, over files that all see; the other
// ports are in memory. `spark-job-worker.ts QUEUE PREFIX FILES SPARK`; it writes `ready`.
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { createModels } from '../../infra/archive/models.ts'
import { openJobQueue } from '../../infra/bullmq/job-queue.ts'
import { openFilesAt } from '../../infra/wiring/files-place.ts'
import { createSparkEngine } from '../../infra/wiring/spark-engine.ts'
import { trainWorld } from './train-world.ts'

const entry = new URL('./slow-sql-thread.ts', import.meta.url)

async function main(queueUrl = '', prefix = '', files = '', spark = ''): Promise<void> {
  const ids = createIdSource()
  const shared = { clock: systemClock, telemetry: silentTelemetry }
  const place = { url: files, data: '' }
  await trainWorld(
    { after: () => {} },
    {
      ids,
      queue: await openJobQueue({ url: queueUrl, prefix, ids, ...shared }),
      batch: createSparkEngine({ url: spark, files: place, clock: systemClock, entry }),
      models: createModels({ files: await openFilesAt(place, systemClock), ...shared }),
    },
  )
  process.stdout.write('ready\n')
}

if (import.meta.main) await main(...process.argv.slice(2))
