// The training job over in-memory ports: its order, and what is left when a step fails, is cancelled or is cut off.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BatchEngine } from '#ports/batch-engine'
import { MillraceError } from '#ports/errors'
import type { JobContext, JobQueue } from '#ports/job-queue'
import { decodeRecord } from '#schemas/codec'
import { RETIRE_AFTER_MS } from '../../batch/publish.ts'
import { registerTrainJob } from '../../batch/train-job.ts'
import { TRAINING_RETRIES } from '../../batch/training-retries.ts'
import { createMemoryJobQueue } from '../support/memory/job-queue.ts'
import { ENGINE, type TrainWorld, trainWorld } from '../support/train-world.ts'
import { variantOf } from '../support/training.ts'
import { until } from '../support/until.ts'

const modelsOf = async ({ models }: TrainWorld): Promise<string[]> =>
  (await models.list(ENGINE)).map(({ versionId }) => versionId).sort()

test('a training: every step in its order', async (t) => {
  const w = await trainWorld(t)
  assert.equal(await w.train(), 'v1')
  assert.deepEqual(w.notes, [
    'version-opened',
    'closed at 1,1,1',
    'version-watermarked',
    'train',
    'index waited for',
    'version-activated',
  ])
  const { records } = await w.log.read(1, 0, 1e6)
  const barrier = decodeRecord(records[0]?.value ?? new Uint8Array())
  assert.deepEqual(
    [barrier.kind, barrier.kind === 'barrier' && barrier.versionId, records.length],
    ['barrier', 'v1', 1],
  )
  const engine = w.directory.state.engines.get(ENGINE)
  assert.equal(engine?.activeVersion, 'v1')
  assert.equal(engine?.versions[0]?.summary?.events, 3)
  assert.deepEqual(engine?.versions[0]?.watermark, { generation: 0, offsets: [1, 1, 1] })
})

test('three models stay in files, two in the index, the oldest a minute longer', async (t) => {
  const w = await trainWorld(t)
  for (let n = 1; n <= 5; n++) assert.equal(await w.train(), `v${n}`)
  assert.deepEqual(await modelsOf(w), ['v3', 'v4', 'v5'])
  assert.deepEqual(w.indexed().sort(), ['v1', 'v2', 'v3', 'v4', 'v5'])
  w.clock.advance(RETIRE_AFTER_MS - 1)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(w.indexed().length, 5)
  w.clock.advance(1)
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(w.indexed().sort(), ['v4', 'v5'])
})

test('what a server kept from going on is tried again, with a version of its own', async (t) => {
  const w = await trainWorld(t)
  const queue = createMemoryJobQueue({ clock: w.clock })
  let fails = 1
  const batch: BatchEngine = {
    ...w.batch,
    train: (task, options) => {
      if (fails-- <= 0) return w.batch.train(task, options)
      const details = { port: 'batch', address: 'sc://nowhere', reason: 'refused' }
      throw new MillraceError('SERVER_UNREACHABLE', details)
    },
  }
  const training = registerTrainJob({ ...w, queue, batch })
  t.after(() => training.close())
  const { id } = await queue.add('train', ENGINE, { engineId: ENGINE, asOf: null })
  const followed = queue.follow(id, () => {})
  await until(async () => (await queue.get(id))?.retryAt !== null)
  assert.deepEqual(w.versions(), { v1: 'failed' })
  w.clock.advance(TRAINING_RETRIES.pauseMs)
  const job = await followed
  assert.deepEqual([job.state, job.failures, job.result?.versionId], ['done', 1, 'v2'])
  assert.deepEqual(w.versions(), { v1: 'failed', v2: 'active' })
  assert.deepEqual(await modelsOf(w), ['v2'])
})

test('a training that has no room is refused, and says what it needs before', async (t) => {
  const rows = 100_000_000
  const w = await trainWorld(t, {
    ranges: async () => [
      {
        ...{ generation: 0, partition: 0, start: 0, end: 1, revision: 0 },
        ...{ minTime: null, maxTime: null },
        files: [{ path: 'p', app: 1, day: '2026-01-01', rows, bytes: 1 }],
      },
    ],
  })
  w.batch.placeOf = () => ({ name: 'this process', memoryBytes: 1e9 })
  assert.equal(await w.train(), 'TRAINING_TOO_LARGE')
  assert.deepEqual(w.versions(), { v1: 'failed' })
  assert.ok(!w.notes.includes('train'))
})

const broken = (): never => {
  throw new Error('broken on purpose')
}

test('a step that fails closes the version, and the one before still answers', async (t) => {
  const steps: Record<string, (w: TrainWorld) => void> = {
    barrier: (w) => (w.log.append = broken),
    archive: (w) => (w.archive.closeAt = broken),
    training: (w) => (w.batch.train = broken),
    'item index': (w) => (w.watermarks.waitFor = async () => false),
    model: (w) => (w.models.read = broken),
    publish: (w) => (w.index.publish = broken),
    check: (w) => (w.index.lists = async () => []),
  }
  for (const [step, breakIt] of Object.entries(steps)) {
    const w = await trainWorld(t)
    await w.train()
    breakIt(w)
    assert.equal(await w.train(), 'TRAINING_FAILED', step)
    assert.deepEqual(w.versions(), { v2: 'failed', v1: 'active' }, step)
    assert.deepEqual(w.indexed(), ['v1'], step)
    assert.deepEqual(await modelsOf(w), ['v1'], step)
    const reason = w.directory.state.engines.get(ENGINE)?.versions[0]?.reason ?? ''
    assert.match(reason, /on purpose|did not reach|lacks the lists/, step)
  }
})

test('an error with a code of its own keeps it', async (t) => {
  const w = await trainWorld(t)
  w.batch.train = async () => {
    throw new MillraceError('TRAINING_NO_EVENTS', {
      app: 'shop',
      event: 'buy',
      engine: ENGINE,
      reason: 'it has view',
    })
  }
  assert.equal(await w.train(), 'TRAINING_NO_EVENTS')
  assert.deepEqual(w.versions(), { v1: 'failed' })
})

test('cancelled in any step: the version is closed, nothing is left of it', async (t) => {
  const never = new Promise<never>(() => {})
  const steps: Record<string, (w: TrainWorld, reached: () => void) => void> = {
    archive: (w, reached) => {
      w.archive.closeAt = () => {
        reached()
        return never
      }
    },
    training: (w, reached) => {
      w.batch.train = (_task, { signal }) => {
        reached()
        return new Promise((_resolve, reject) => {
          const cancelled = new MillraceError('TRAINING_CANCELLED', { engine: ENGINE })
          signal.addEventListener('abort', () => reject(cancelled))
        })
      }
    },
    'item index': (w, reached) => {
      w.watermarks.waitFor = () => {
        reached()
        return never
      }
    },
    publish: (w, reached) => {
      const { publish } = w.index
      w.index.publish = async (version, published) => {
        reached()
        await new Promise((resolve) => setTimeout(resolve, 5))
        await publish.call(w.index, version, published)
      }
    },
  }
  for (const [step, hold] of Object.entries(steps)) {
    const w = await trainWorld(t)
    await w.train()
    const { promise, resolve } = Promise.withResolvers<void>()
    hold(w, resolve)
    const job = await w.queue.add('train', ENGINE, { engineId: ENGINE, asOf: null })
    await promise
    assert.equal(await w.queue.cancel(job.id), true, step)
    assert.deepEqual(w.versions(), { v2: 'cancelled', v1: 'active' }, step)
    assert.deepEqual(w.indexed(), ['v1'], step)
    assert.deepEqual(await modelsOf(w), ['v1'], step)
  }
})

/** Runs the handler as the queue of a new process does, with what the attempt before left. */
async function again(w: TrainWorld, checkpoint: { versionId: string }): Promise<unknown> {
  let handler: ((context: JobContext) => Promise<unknown>) | undefined
  const queue: JobQueue = {
    ...w.queue,
    process: (_name, given) => {
      handler = given
    },
  }
  const training = registerTrainJob({ ...w, queue })
  const job = await w.queue.add('other', 'other', { engineId: ENGINE, asOf: null })
  const context: JobContext = {
    job: { ...job, checkpoint, attempts: 2 },
    signal: new AbortController().signal,
    progress: () => {},
    checkpoint: async () => {},
  }
  const result = await handler?.(context)
  await training.close()
  return result
}

test('after a crash the open version is cancelled and a new one is made', async (t) => {
  const w = await trainWorld(t)
  await w.train()
  const opened = { type: 'version-opened', engineId: ENGINE, versionId: 'lost' } as const
  await w.directory.write({ expects: {}, changes: [opened] })
  const result = await again(w, { versionId: 'lost' })
  assert.equal((result as { versionId: string }).versionId, 'v2')
  assert.deepEqual(w.versions(), { v2: 'active', lost: 'cancelled', v1: 'previous' })
})

test('a crash after the switch: the job is done and trains no second time', async (t) => {
  const w = await trainWorld(t)
  await w.train()
  const result = await again(w, { versionId: 'v1' })
  assert.equal((result as { versionId: string }).versionId, 'v1')
  assert.deepEqual(w.versions(), { v1: 'active' })
})

test('the process stops during a training: the version stays open for the next attempt', async (t) => {
  const w = await trainWorld(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  w.archive.closeAt = () => {
    resolve()
    return new Promise<never>(() => {})
  }
  const training = registerTrainJob(w)
  await w.queue.add('train', ENGINE, { engineId: ENGINE, asOf: null })
  await promise
  await training.close()
  await new Promise((done) => setTimeout(done, 5))
  assert.deepEqual(w.versions(), { v1: 'open' })
  const [job] = await w.queue.list(1)
  assert.equal(job?.state, 'running')
  await w.queue.close()
})

test('rollback: to the version before, to a named one, to none', async (t) => {
  const w = await trainWorld(t)
  const training = registerTrainJob(w)
  t.after(() => training.close())
  await w.train()
  await assert.rejects(training.rollback(ENGINE, null), { code: 'NO_ROLLBACK' })
  await w.train()
  await w.train()
  assert.equal(await training.rollback(ENGINE, null), 'v2')
  assert.deepEqual(w.versions(), { v3: 'previous', v2: 'active', v1: 'archived' })
  await w.index.retire(ENGINE, 'v1')
  assert.equal(await training.rollback(ENGINE, 'v1'), 'v1')
  assert.ok(w.indexed().includes('v1'))
  assert.equal(await training.rollback(ENGINE, 'v1'), 'v1')
  await assert.rejects(training.rollback(ENGINE, 'v9'), { code: 'VERSION_NOT_FOUND' })
  await assert.rejects(training.rollback('other', null), { code: 'ENGINE_NOT_FOUND' })
})

test('an engine registered anew while a version is opened: the model is made with what the version says', async (t) => {
  const view = variantOf({ indicators: [{ name: 'view' }] })
  const engine = { engineId: ENGINE, appId: 1, factory: 'universal', variant: view }
  const ids = (): string => {
    void w.directory.write({ expects: {}, changes: [{ type: 'engine-registered', ...engine }] })
    return 'v1'
  }
  const w = await trainWorld(t, { ids })
  assert.equal(await w.train(), 'v1')
  assert.deepEqual(w.directory.state.engines.get(ENGINE)?.versions[0]?.variant, view)
  assert.deepEqual(w.index.versions()[0]?.primaryEvents, ['view'])
})
