// A process that runs the jobs `held` of a queue over Redis. Each writes one line when it begins, and when it ends in whichever way:
// `begin|done|aborted JOB KEY N ATTEMPTS`. A job lasts as many milliseconds as its data says, or until its signal is aborted.
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openJobQueue } from '../../infra/bullmq/job-queue.ts'

async function main(url: string, prefix: string): Promise<void> {
  const queue = await openJobQueue({
    ...{ url, prefix, clock: systemClock },
    ...{ telemetry: silentTelemetry, ids: createIdSource() },
  })
  queue.process('held', async ({ job, signal, checkpoint }) => {
    const say = (what: string): void => {
      const { id, key, data, attempts } = job
      process.stdout.write(`${what} ${id} ${key} ${data.n} ${attempts}\n`)
    }
    const starts = ((job.checkpoint?.starts as number | undefined) ?? 0) + 1
    await checkpoint({ starts })
    say('begin')
    await systemClock.sleep(job.data.ms as number, signal)
    if (signal.aborted) {
      say('aborted')
      throw new Error('aborted')
    }
    say('done')
    return { n: job.data.n as number, starts }
  })
  process.stdout.write('ready\n')
  process.on('SIGTERM', () => {
    queue.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
}

if (import.meta.main) await main(process.argv[2] as string, process.argv[3] as string)
