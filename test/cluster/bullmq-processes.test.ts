// The job queue over Redis with several processes: what the port promises holds over all of them, and over kill -9.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#ports/clock'
import { JOB_CRASHES_MAX, type Job, type JobQueue } from '#ports/job-queue'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openJobQueue } from '../../infra/bullmq/job-queue.ts'
import { createRandom } from '../support/random.ts'
import { clusterUrl } from '../support/test-cluster.ts'
import { until } from '../support/until.ts'

const WORKER = new URL('../support/redis-job-worker.ts', import.meta.url).pathname
/** Lock and stalled check of the queue, and room for a busy machine. */
const RECOVERY_MS = 60_000

interface Line {
  readonly what: string
  readonly id: string
  readonly key: string
  readonly n: number
  readonly attempts: number
}

interface Stage {
  readonly queue: JobQueue
  /** What the workers said, in the order in which it was heard. */
  readonly said: Line[]
  startWorker(): Promise<ChildProcess>
}

let stages = 0

async function setStage(t: TestContext): Promise<Stage> {
  const url = clusterUrl('queue')
  const prefix = `test-${process.pid}-processes-${stages++}`
  const said: Line[] = []
  const queue = await openJobQueue({
    ...{ url, prefix, clock: systemClock },
    ...{ telemetry: silentTelemetry, ids: createIdSource() },
  })
  t.after(() => queue.close())
  const startWorker = async (): Promise<ChildProcess> => {
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    const child = spawn(process.execPath, [WORKER, url, prefix], { stdio: [...stdio] })
    t.after(() => child.kill('SIGKILL'))
    const ready = Promise.withResolvers<void>()
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const [what = '', id = '', key = '', n, attempts] = line.split(' ')
      if (what === 'ready') ready.resolve()
      else said.push({ what, id, key, n: Number(n), attempts: Number(attempts) })
    })
    await ready.promise
    return child
  }
  return { queue, said, startWorker }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'close')
}

const ended = ({ endedAt }: Job): boolean => endedAt !== null

test('bullmq: over two processes no key has two jobs at once, and no request is left behind', async (t) => {
  const { queue, said, startWorker } = await setStage(t)
  await Promise.all([startWorker(), startWorker()])
  const random = createRandom(7)
  const newest = new Map<string, number>()
  const asked = new Map<string, Job>()
  for (let n = 0; n < 60; n++) {
    const key = `key-${random.below(3)}`
    newest.set(key, systemClock.now())
    const job = await queue.add('held', key, { n, ms: 40 + random.below(80) })
    asked.set(job.id, job)
    await systemClock.sleep(random.below(30))
  }
  const jobs = await Promise.all([...asked.keys()].map((id) => queue.follow(id, () => {})))
  assert.ok(
    jobs.every(({ state }) => state === 'done'),
    'whoever asked can follow to the end',
  )
  assert.ok(jobs.length > 6 && jobs.length < 60, `${jobs.length} jobs for 60 requests`)
  await until(() => said.filter(({ what }) => what === 'done').length === jobs.length)
  for (const [key, askedAt] of newest) {
    const times = jobs
      .filter((job) => job.key === key)
      .map(({ startedAt, endedAt }) => ({ startedAt, endedAt }))
      .sort((a, b) => Number(a.startedAt) - Number(b.startedAt))
    for (const [place, job] of times.entries()) {
      const before = times[place - 1]
      if (before === undefined) continue
      assert.ok(Number(before.endedAt) <= Number(job.startedAt), `two at once for ${key}`)
    }
    assert.ok(
      Number(times.at(-1)?.startedAt) >= askedAt,
      `one of ${key} began after the last request`,
    )
  }
  const first = jobs.toSorted((a, b) => Number(a.startedAt) - Number(b.startedAt))
  const beside = first.some((job, place) => {
    const next = first[place + 1]
    return next !== undefined && Number(next.startedAt) < Number(job.endedAt)
  })
  assert.ok(beside, 'jobs of different keys ran side by side')
})

test('bullmq: a job whose process is killed goes on in another, from its checkpoint', async (t) => {
  const { queue, said, startWorker } = await setStage(t)
  const first = await startWorker()
  const { id } = await queue.add('held', 'key', { n: 1, ms: 60_000 })
  await until(() => said.length === 1)
  const behind = await queue.add('held', 'key', { n: 2, ms: 0 })
  const second = await startWorker()
  await kill(first)
  await until(() => said.length === 2, RECOVERY_MS)
  assert.deepEqual(
    said.map(({ what, n, attempts }) => [what, n, attempts]),
    [
      ['begin', 1, 1],
      ['begin', 1, 2],
    ],
  )
  assert.deepEqual((await queue.get(id))?.checkpoint, { starts: 2 })
  assert.equal((await queue.get(behind.id))?.state, 'waiting')
  second.kill('SIGTERM')
  await once(second, 'close')
  assert.equal((await queue.get(id))?.state, 'waiting', 'a process that closes leaves its jobs')
  assert.equal(await queue.cancel(id), true)
  assert.equal((await queue.get(id))?.state, 'cancelled')
  await startWorker()
  assert.equal((await queue.follow(behind.id, () => {})).state, 'done')
})

test('bullmq: a job whose process dies each time is given up', async (t) => {
  const { queue, said, startWorker } = await setStage(t)
  const { id } = await queue.add('held', 'key', { n: 1, ms: 600_000 })
  const behind = await queue.add('held', 'other', { n: 2, ms: 0 })
  for (let crash = 1; crash <= JOB_CRASHES_MAX; crash++) {
    const worker = await startWorker()
    const begun = (): number => said.filter(({ what, n }) => what === 'begin' && n === 1).length
    await until(() => begun() === crash, RECOVERY_MS)
    await kill(worker)
  }
  await startWorker()
  const job = await queue.follow(id, () => {})
  assert.equal(job.state, 'failed')
  assert.equal(job.error?.code, 'JOB_CRASHED')
  assert.match(job.error.message, new RegExp(`died ${JOB_CRASHES_MAX} times`))
  assert.ok(ended(await queue.follow(behind.id, () => {})))
})

test('bullmq: a job is cancelled from another process than the one that runs it', async (t) => {
  const { queue, said, startWorker } = await setStage(t)
  await startWorker()
  const { id } = await queue.add('held', 'key', { n: 1, ms: 60_000 })
  await until(() => said.length === 1)
  assert.equal(await queue.cancel(id), true)
  assert.deepEqual(
    said.map(({ what }) => what),
    ['begin', 'aborted'],
  )
  const job = await queue.get(id)
  assert.deepEqual([job?.state, job?.error], ['cancelled', null])
  assert.equal(await queue.cancel(id), false)
})
