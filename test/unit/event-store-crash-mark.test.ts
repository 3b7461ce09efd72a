import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { Closable } from '#ports/lifecycle'
import { createCrashMark, isBroken } from '../../infra/embedded/event-store/crash-mark.ts'
import { openEventStore } from '../../infra/embedded/event-store.ts'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'
import { placed, viewOf } from '../support/stream-records.ts'

/** A folder, and a list of what is closed before it is removed. */
async function folder(t: TestContext): Promise<{ path: string; opened: Closable[] }> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-'))
  const opened: Closable[] = []
  t.after(async () => {
    for (const one of opened) await one.close()
    await rm(path, { recursive: true, force: true })
  })
  return { path, opened }
}

const monday = async (): Promise<string> => 'monday'
const tuesday = async (): Promise<string> => 'tuesday'
const nameless = async (): Promise<string> => ''

test('a mark of this boot is a kill, one of another boot a stop of the machine', async (t) => {
  const { path } = await folder(t)
  assert.equal(await isBroken(path, monday), false)
  const mark = createCrashMark(path, monday)
  await mark.set()
  assert.equal(await isBroken(path, monday), false)
  assert.equal(await isBroken(path, tuesday), true)
  await mark.clear()
  assert.equal(await isBroken(path, tuesday), false)
})

test('where the kernel names no boot every mark counts as a stop of the machine', async (t) => {
  const { path } = await folder(t)
  await createCrashMark(path, nameless).set()
  assert.equal(await isBroken(path, nameless), true)
})

test('a mark set while it is being removed is there in the end', async (t) => {
  const { path } = await folder(t)
  const mark = createCrashMark(path, monday)
  await mark.set()
  await Promise.all([mark.clear(), mark.set()])
  assert.equal(await isBroken(path, tuesday), true)
})

test('a store left unflushed by another boot is made anew, and no reader opens it before', async (t) => {
  const { path, opened } = await folder(t)
  const upTo = { generation: 0, offsets: [1] }
  const first = await openStoreWriter({ path })
  await first.apply(placed([viewOf('i1')]), upTo)
  await first.close()
  await writeFile(join(path, 'unflushed'), 'some other boot')
  await assert.rejects(
    openEventStore({ path }),
    (error) => error instanceof MillraceError && error.code === 'STORE_FAILED',
  )
  const writer = await openStoreWriter({ path })
  const store = await openEventStore({ path })
  opened.push(store, writer)
  assert.deepEqual(await writer.committed(), { generation: 0, offsets: [0] })
  assert.deepEqual(await store.count(1), new Map())
  await writer.apply(placed([viewOf('i1')]), upTo)
  store.refresh()
  assert.deepEqual(await store.count(1), new Map([[0, 1]]))
})

test('only what is flushed counts as committed; a flush with nothing behind it takes the mark away', async (t) => {
  const { path, opened } = await folder(t)
  const upTo = { generation: 0, offsets: [1] }
  const writer = await openStoreWriter({ path })
  opened.push(writer)
  await writer.apply(placed([viewOf('i1')]), upTo)
  assert.deepEqual(await writer.committed(), { generation: 0, offsets: [0] })
  assert.equal(await isBroken(path, tuesday), true)
  await writer.flushed()
  assert.deepEqual(await writer.committed(), upTo)
  assert.equal(await isBroken(path, tuesday), false)
})
