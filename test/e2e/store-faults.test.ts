// The embedded event store when its process is killed, and when there is no room.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { everyEvent } from '#ports/event-store'
import { openEventStore } from '../../infra/embedded/event-store.ts'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'

const PROGRAM = fileURLToPath(new URL('../support/store-writing.ts', import.meta.url))
const SIZE = 100
const ROUNDS = 5
const LIMIT_KIB = 4096

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/** What the store holds is what it was after some batch. */
async function consistentEnd(path: string): Promise<number> {
  const writer = await openStoreWriter({ path })
  const store = await openEventStore({ path })
  try {
    const end = (await writer.committed()).offsets[0] ?? 0
    let found = 0
    for await (const _ of store.find(everyEvent(1, 0))) {
      found++
    }
    const state = await store.state(1, 0, 'item', 'counter')
    assert.equal(found, end)
    assert.deepEqual(await store.count(1), new Map([[0, end]]))
    assert.equal(state?.properties.get('batch')?.value, String(end / SIZE - 1))
    return end
  } finally {
    await store.close()
    await writer.close()
  }
}

test('killed at any moment it holds every batch that was told, each once', async (t) => {
  const path = await folder(t)
  let before = 0
  for (let round = 0; round < ROUNDS; round++) {
    const child = spawn(process.execPath, [PROGRAM, path, '1000000', String(SIZE)])
    let output = ''
    let errors = ''
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    child.stdout.on('data', (chunk) => {
      output += chunk
      if (output.split('\n').length > 20 + round * 7) child.kill('SIGKILL')
    })
    await once(child, 'close')
    const told = Number(output.trim().split('\n').at(-1))
    assert.ok(told > before, errors)
    const end = await consistentEnd(path)
    assert.ok(end === told || end === told + SIZE, `${told} was told, ${end} is stored`)
    before = end
  }
})

test('without room it says DISK_FULL and keeps what it had; with room it goes on', async (t) => {
  const path = await folder(t)
  const command = `ulimit -S -f ${LIMIT_KIB} && exec "$0" "$@"`
  const child = spawn('bash', [
    '-c',
    command,
    process.execPath,
    PROGRAM,
    path,
    '1000',
    String(SIZE),
  ])
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  await once(child, 'close')
  const lines = output.trim().split('\n')
  assert.equal(lines.at(-1), 'DISK_FULL', errors)
  assert.equal(await consistentEnd(path), Number(lines.at(-2)))
  const writer = await openStoreWriter({ path })
  const { offsets } = await writer.committed()
  await writer.apply([], { generation: 0, offsets: [(offsets[0] ?? 0) + 1] })
  await writer.close()
})
