// Trainings on Spark as jobs over Redis, in processes that are killed, with a Spark that is killed; archive and models on HDFS. The
// trainer is a slow one of the tests: what is looked at is what becomes of the job, and of Spark's slots.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#ports/clock'
import type { JobProgress, JobQueue } from '#ports/job-queue'
import type { Models } from '#ports/models'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { createModels } from '../../../infra/archive/models.ts'
import { openJobQueue } from '../../../infra/bullmq/job-queue.ts'
import { openHdfsFiles } from '../../../infra/hdfs/files.ts'
import { openSqlSession } from '../../../infra/spark/sql-session.ts'
import { openTrainingSession } from '../../../infra/spark/training-session.ts'
import { archiveOver } from '../../support/archive-fixture.ts'
import { killServer, restartServers } from '../../support/shared-cluster.ts'
import { eventRecord, placed } from '../../support/stream-records.ts'
import { clusterUrl } from '../../support/test-cluster.ts'
import { ENGINE } from '../../support/train-world.ts'
import { until } from '../../support/until.ts'

const WORKER = new URL('../../support/spark-job-worker.ts', import.meta.url).pathname
/** Rows of the slow statement: some ten seconds on two slots. */
const SLOW = 20_000_000
const QUICK = 1000
/** The slots are free when a statement over both of them is answered within this time, on a busy machine. */
const FREE_MS = 25_000
const BOUGHT = 30

interface Stage {
  readonly queue: JobQueue
  readonly models: Models
  startWorker(): Promise<ChildProcess>
  /** Asks for a training and resolves when its statement runs; what it tells goes into `told`. */
  startTraining(rows: number): Promise<{ readonly id: string; readonly told: JobProgress[] }>
}

async function setStage(t: TestContext): Promise<Stage> {
  const name = `test-${randomUUID()}`
  const filesUrl = `${clusterUrl('files')}/${name}`
  const files = await openHdfsFiles(filesUrl, systemClock)
  const shared = { clock: systemClock, telemetry: silentTelemetry }
  const queue = await openJobQueue({
    ...{ url: clusterUrl('queue'), prefix: name, ids: createIdSource() },
    ...shared,
  })
  t.after(async () => {
    await queue.close()
    for (const folder of ['archive', 'ranges', 'models']) await files.remove(folder)
    await files.close()
  })
  const bought = Array.from({ length: BOUGHT }, (_, n) =>
    eventRecord({ event: 'buy', eventId: `e${n}`, targetEntityId: n % 3 === 0 ? 'a' : 'b' }),
  )
  await archiveOver(files).write(placed(bought))
  const startWorker = async (): Promise<ChildProcess> => {
    const args = [WORKER, clusterUrl('queue'), name, filesUrl, clusterUrl('batch')]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    return child
  }
  return {
    queue,
    models: createModels({ files, ...shared }),
    startWorker,
    startTraining: async (rows) => {
      const told: JobProgress[] = []
      const { id } = await queue.add('train', ENGINE, { engineId: ENGINE, asOf: rows })
      void queue.follow(id, (progress) => told.push(progress)).catch(() => {})
      if (rows === SLOW) await until(() => told.some(isRunning), 60_000)
      return { id, told }
    },
  }
}

/** A statement has told of its tasks: it has Spark's slots. */
const isRunning = ({ step, total }: JobProgress): boolean =>
  /^wait, stage \d+$/.test(step) && total > 0

const versionOf = async (queue: JobQueue, id: string): Promise<string> =>
  String((await queue.get(id))?.checkpoint?.versionId)

/** Milliseconds until a statement over all slots is answered. */
async function timeToSlots(): Promise<number> {
  const began = performance.now()
  const session = await openSqlSession({
    ...{ url: clusterUrl('batch'), clock: systemClock, ids: createIdSource() },
  })
  try {
    const options = { deadlineMs: 2 * FREE_MS }
    for await (const batch of session.rows(
      'select sum(id) as s from range(0, 1000, 1, 8)',
      options,
    ))
      assert.equal(batch[0]?.s, 499_500)
  } finally {
    await session.close()
  }
  return performance.now() - began
}

async function assertSlotsFree(after: string): Promise<void> {
  const ms = await timeToSlots()
  process.stdout.write(`  ${after}: a statement over all slots answered in ${Math.round(ms)} ms\n`)
  assert.ok(ms < FREE_MS, `${after}: its tasks still have the slots`)
}

test('spark jobs: a training tells its stages and tasks, and its model is in files', async (t) => {
  const { queue, models, startWorker, startTraining } = await setStage(t)
  await startWorker()
  const { id, told } = await startTraining(QUICK)
  const job = await queue.follow(id, () => {})
  assert.deepEqual([job.state, job.error, job.attempts], ['done', null, 1])
  assert.ok(told.some(({ note }) => /^Training shop in Spark: /.test(note ?? '')))
  const { manifest, model } = await models.read(ENGINE, String(job.result?.versionId))
  assert.equal(manifest.place, 'Spark')
  assert.deepEqual(model.items, ['a', 'b'])
  assert.deepEqual([...(model.rankings[0]?.values ?? [])], [BOUGHT / 3, (2 * BOUGHT) / 3])
})

test('spark jobs: cancelled, it frees its slots and leaves nothing', async (t) => {
  const { queue, models, startWorker, startTraining } = await setStage(t)
  await startWorker()
  const { id } = await startTraining(SLOW)
  const began = performance.now()
  assert.equal(await queue.cancel(id), true)
  process.stdout.write(`  cancelled in ${Math.round(performance.now() - began)} ms\n`)
  assert.equal((await queue.get(id))?.state, 'cancelled')
  await assertSlotsFree('after the cancel')
  assert.deepEqual(await models.list(ENGINE), [])
})

test('spark jobs: kill -9 of the worker: another ends what it left on Spark, and trains anew', async (t) => {
  const { queue, models, startWorker, startTraining } = await setStage(t)
  const first = await startWorker()
  const { id } = await startTraining(SLOW)
  const left = await versionOf(queue, id)
  first.kill('SIGKILL')
  await once(first, 'close')
  await startWorker()
  await until(async () => (await versionOf(queue, id)) !== left, 60_000)
  // Its session is closed, with all that ran in it.
  await until(async () => {
    const options = { url: clusterUrl('batch'), clock: systemClock, versionId: left }
    return openTrainingSession(options).then(
      async (session) => {
        await session.close()
        return false
      },
      (error: unknown) => (error as { code: string }).code === 'SPARK_LOST',
    )
  }, 20_000)
  const job = await queue.follow(id, () => {})
  assert.deepEqual([job.state, job.attempts, job.failures], ['done', 2, 0])
  assert.notEqual(job.result?.versionId, left)
  const versions = (await models.list(ENGINE)).map(({ versionId }) => versionId)
  assert.deepEqual(versions, [job.result?.versionId])
  await assertSlotsFree('after the takeover')
})

test('spark jobs: kill -9 of Spark in the middle: tried again, and done when it is back', async (t) => {
  const { queue, models, startWorker, startTraining } = await setStage(t)
  await startWorker()
  const { id, told } = await startTraining(SLOW)
  t.after(() => restartServers('spark'))
  await killServer('spark')
  // Until then it may be the network: the training waits for two minutes.
  await restartServers('spark')
  await until(async () => ((await queue.get(id))?.failures ?? 0) > 0, 60_000)
  const waits = await queue.get(id)
  assert.match(String(waits?.error?.code), /^SPARK_(LOST|UNREACHABLE)$/)
  assert.ok(told.some(({ note }) => /Tried again in \d+ s \(1 of 5\)/.test(note ?? '')))
  assert.deepEqual(await models.list(ENGINE), [])
  const job = await queue.follow(id, () => {})
  process.stdout.write(`  done after ${job.failures} failures: ${waits?.error?.message}\n`)
  assert.deepEqual([job.state, job.error], ['done', null])
  assert.ok(job.failures >= 1)
  assert.equal((await models.list(ENGINE)).length, 1)
})
