// The embedded event store read on one thread while another writes.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { openEventStore } from '../../infra/embedded/event-store.ts'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'

const BATCHES = 60
const SIZE = 40

test('a reader sees each batch whole as soon as its watermark is told', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'millrace-'))
  // The tables are made before anybody reads.
  await (await openStoreWriter({ path })).close()
  const store = await openEventStore({ path })
  const worker = new Worker(new URL('../support/store-writing.ts', import.meta.url), {
    workerData: { storePath: path, batches: BATCHES, size: SIZE },
  })
  t.after(async () => {
    await worker.terminate()
    await store.close()
    await rm(path, { recursive: true, force: true })
  })
  const exit = once(worker, 'exit')
  let told = 0
  let ended = ''
  worker.on('message', (message: { end?: number; ended?: string }) => {
    told = message.end ?? told
    ended = message.ended ?? ended
  })
  let checked = 0
  while (ended === '') {
    await new Promise((resolve) => setImmediate(resolve))
    const end = told
    if (end === checked) continue
    store.refresh()
    const [applied, count, state] = await Promise.all([
      store.applied(),
      store.count(1),
      store.state(1, 0, 'item', 'counter'),
    ])
    const seen = applied.offsets[0] ?? 0
    assert.ok(seen >= end, `${end} was told, ${seen} is seen`)
    assert.equal(count.get(0), seen)
    assert.equal(state?.properties.get('batch')?.value, String(seen / SIZE - 1))
    checked = end
  }
  assert.equal(ended, 'done')
  assert.ok(checked > 0)
  await exit
  store.refresh()
  assert.deepEqual(await store.count(1), new Map([[0, BATCHES * SIZE]]))
})
