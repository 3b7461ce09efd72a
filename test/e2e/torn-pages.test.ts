// What a stop of the whole machine may leave: pages of an unfinished commit behind the log, and a store whose unflushed
// pages never reached the disk. Every acknowledged event is there after the next start.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFile, open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const PAGE_BYTES = 4096
const ROUNDS = 3
const BATCH = 50

test('torn pages of log and store after a kill cost nothing that was acknowledged', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const acknowledged: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const server = await startMillrace(data, t)
    const urls = eventUrls(server.event, accessKey)
    for (let group = 0; group < 5; group++) {
      const ids = Array.from({ length: BATCH }, (_, i) => `${round}-${group}-${i}`)
      const events = ids.map((id) => action('buy', 'u', `i-${id}`, { eventId: id }))
      assert.equal((await send('POST', urls.batch, events)).status, 200)
      acknowledged.push(...ids)
    }
    await server.kill()
    await appendFile(join(data, 'log', 'data.mdb'), randomBytes(3 * PAGE_BYTES + 100))
    await tearStore(join(data, 'store'))
  }
  const server = await startMillrace(data, t)
  assert.match(server.stderr(), /store-torn/)
  const all = await send('GET', `${eventUrls(server.event, accessKey).events}&limit=-1`)
  const stored = (all.json as { eventId: string }[]).map(({ eventId }) => eventId)
  assert.deepEqual(stored.sort(), acknowledged.sort())
  assert.equal(await server.stop(), 0)
})

/** Scatters bytes over the pages behind the first two, as under another boot of the machine. */
async function tearStore(path: string): Promise<void> {
  const file = join(path, 'data.mdb')
  const { size } = await stat(file)
  const handle = await open(file, 'r+')
  try {
    for (let page = 2; page * PAGE_BYTES < size; page += 3) {
      await handle.write(randomBytes(PAGE_BYTES / 2), 0, PAGE_BYTES / 2, page * PAGE_BYTES)
    }
  } finally {
    await handle.close()
  }
  await writeFile(join(path, 'unflushed'), '00000000-0000-4000-8000-000000000000')
}
