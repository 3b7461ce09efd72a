// Trainings in threads: what comes back, and what does when a thread fails, dies or is cancelled.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrainTask } from '#ports/batch-engine'
import type { JobProgress } from '#ports/job-queue'
import { createWorkerBatchEngine } from '../../infra/embedded/batch-engine.ts'
import { startHelpers } from '../../infra/wiring/row-helpers.ts'
import { did, train, variantOf } from '../support/training.ts'

const entry = new URL('../support/training-thread.ts', import.meta.url)
const engine = () => createWorkerBatchEngine({ entry, threads: 2, workerData: { note: 'hello' } })

const task = (does: string): TrainTask => ({
  app: 1,
  appName: does,
  engineId: 'shop',
  versionId: 'v1',
  factory: 'universal',
  variant: {},
  watermark: { generation: 0, offsets: [1] },
  asOf: 2,
})

const free = { signal: new AbortController().signal, progress: () => {} }

test('a training in a thread: its progress and its manifest', async (t) => {
  const batch = engine()
  t.after(() => batch.close())
  const seen: JobProgress[] = []
  const manifest = await batch.train(task('trains'), { ...free, progress: (p) => seen.push(p) })
  assert.equal(manifest.versionId, 'v1')
  assert.deepEqual(seen, [{ step: 'hello', done: 1, total: 2, unit: 'rows' }])
  assert.equal((await batch.health()).detail, 'No training runs.')
})

test('an error of ours keeps its code; a thread that breaks down says why', async (t) => {
  const batch = engine()
  t.after(() => batch.close())
  await assert.rejects(batch.train(task('has no events'), free), {
    code: 'TRAINING_NO_EVENTS',
    message: 'The app shop has no buy events to train shop on: it has view.',
  })
  await assert.rejects(batch.train(task('throws'), free), {
    code: 'TRAINING_FAILED',
    message: /broken on purpose/,
  })
  await assert.rejects(batch.train(task('exits'), free), {
    code: 'TRAINING_FAILED',
    message: /ended with code 3/,
  })
})

test('cancelled: also a thread that never looks up ends', async (t) => {
  const batch = engine()
  t.after(() => batch.close())
  for (const does of ['hangs', 'spins']) {
    const abort = new AbortController()
    const training = batch.train(task(does), {
      signal: abort.signal,
      progress: () => abort.abort(),
    })
    await assert.rejects(training, { code: 'TRAINING_CANCELLED' })
    assert.equal((await batch.health()).detail, 'No training runs.')
  }
  const before = AbortSignal.abort()
  await assert.rejects(batch.train(task('trains'), { ...free, signal: before }), {
    code: 'TRAINING_CANCELLED',
  })
})

test('closing ends what runs', async () => {
  const batch = engine()
  const { promise, resolve } = Promise.withResolvers<void>()
  const training = batch.train(task('hangs'), { ...free, progress: () => resolve() })
  await promise
  const ended = assert.rejects(training, { code: 'TRAINING_FAILED' })
  await batch.close()
  await ended
})

test('several threads make the same model as one, and each run the same', async (t) => {
  const helpers = startHelpers(1)
  t.after(() => helpers.close())
  const events = Array.from({ length: 6000 }, (_, n) =>
    did(`u${(n * 7919) % 701}`, n % 3 === 0 ? 'buy' : 'view', `i${(n * n + 13 * n) % 307}`, n),
  )
  for (const weights of ['acos', 'llr']) {
    const variant = variantOf({ weights, indicators: [{ name: 'buy' }, { name: 'view' }] })
    const alone = await train(events, variant)
    assert.ok((alone.model.indicators[1]?.term.length ?? 0) > 1000)
    for (let run = 0; run < 2; run++) {
      assert.deepEqual((await train(events, variant, helpers.run)).model, alone.model)
    }
  }
})
