// A log that is older than what was made from it, as after a backup of a part was put back: Millrace refuses to start,
// because its sinks would pass over events that are accepted from now on; the way out that the hint names works.
import assert from 'node:assert/strict'
import { cp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const EVENTS = 20

interface Given {
  readonly t: TestContext
  readonly data: string
  readonly key: string
}

/** Starts, sends events, counts what is there, stops. */
async function visit({ t, data, key }: Given, items: readonly string[]): Promise<number> {
  const server = await startMillrace(data, t)
  const urls = eventUrls(server.event, key)
  for (const item of items) {
    assert.equal((await send('POST', urls.events, action('buy', 'u', item))).status, 201)
  }
  const all = await send('GET', `${urls.events}&limit=-1`)
  assert.equal(await server.stop(), 0)
  return all.status === 404 ? 0 : (all.json as unknown[]).length
}

test('a log behind its sinks is refused; a log that fits is taken', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const { accessKey: key } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const given = { t, data, key }
  const items = (name: string) => Array.from({ length: EVENTS }, (_, i) => `${name}-${i}`)
  assert.equal(await visit(given, items('first')), EVENTS)
  const [log, older, newer] = ['data/log', 'older', 'newer'].map((path) => join(folder, path)) as [
    string,
    string,
    string,
  ]
  await cp(log, older, { recursive: true })
  assert.equal(await visit(given, items('second')), 2 * EVENTS)

  await rename(log, newer)
  await cp(older, log, { recursive: true })
  await assert.rejects(startMillrace(data, t), /ended with 1.*LOG_BEHIND.*offset 20.*up to 40/s)

  await rm(log, { recursive: true })
  await rename(newer, log)
  assert.equal(await visit(given, []), 2 * EVENTS)

  await rm(log, { recursive: true })
  await rename(older, log)
  for (const derived of ['store', 'files/ranges']) {
    await rename(join(data, derived), join(folder, derived.replace('/', '-'))).catch(
      (error: NodeJS.ErrnoException) => assert.equal(error.code, 'ENOENT'),
    )
  }
  assert.equal(await visit(given, items('third')), 2 * EVENTS)
})
