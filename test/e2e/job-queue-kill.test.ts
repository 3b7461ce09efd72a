// Jobs and kill -9: a running one is started again with its checkpoint, and given up when it has died too often.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { JOB_CRASHES_MAX, type Job } from '#ports/job-queue'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openJobQueue } from '../../infra/embedded/job-queue.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

async function runAndKill(path: string): Promise<void> {
  const script = new URL('../support/job-worker.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'close')
}

async function look(path: string): Promise<Job> {
  const ids = createIdSource()
  const queue = await openJobQueue({ path, clock: systemClock, telemetry: silentTelemetry, ids })
  const [job] = await queue.list(10)
  await queue.close()
  assert.ok(job)
  return job
}

test('job queue: a job whose process is killed is started again, then given up', async (t) => {
  const path = join(await temporaryFolder(t), 'queue')
  for (let crash = 1; crash < JOB_CRASHES_MAX; crash++) {
    await runAndKill(path)
    const { state, attempts, checkpoint } = await look(path)
    assert.deepEqual([state, attempts, checkpoint], ['waiting', crash, { starts: crash }])
  }
  await runAndKill(path)
  const { state, error, endedAt } = await look(path)
  assert.equal(state, 'failed')
  assert.equal(error?.code, 'JOB_CRASHED')
  assert.match(error.message, /died 3 times/)
  assert.notEqual(endedAt, null)
})
