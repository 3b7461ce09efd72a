// A process that runs one long job: it saves a checkpoint that counts its starts, says so, and stays until it is killed.
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openJobQueue } from '../../infra/embedded/job-queue.ts'

async function main(path: string): Promise<void> {
  const ids = createIdSource()
  const queue = await openJobQueue({ path, clock: systemClock, telemetry: silentTelemetry, ids })
  queue.process('long', async ({ job, checkpoint }) => {
    await checkpoint({ starts: ((job.checkpoint?.starts as number) ?? 0) + 1 })
    process.stdout.write('saved\n')
    return new Promise(() => {
      setInterval(() => {}, 1000)
    })
  })
  if ((await queue.list(1)).length === 0) await queue.add('long', 'key', {})
}

if (import.meta.main) await main(process.argv[2] as string)
