// The whole platform on a disk that fills up, played by a file size limit: what was accepted is safe, the rest is refused with
// a code, reads go on or say that they cannot, and all is well by itself when there is room again.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millraceJson, type RunningMillrace, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const ROOM = 400 * 1024
const BATCH = 50
const BATCHES_MAX = 500

/** A platform whose files can be kept from growing. */
async function given(t: TestContext) {
  const data = join(await temporaryFolder(t), 'data')
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const server = await startMillrace(data, t)
  const urls = eventUrls(server.event, accessKey)
  const acknowledged = new Set<string>()
  const limit = (bytes: string): void => {
    execFileSync('prlimit', [`--fsize=${bytes}:unlimited`, `--pid=${server.pid}`])
  }
  const eventOf = (id: string): object =>
    action('buy', 'u', `i-${id}`, { eventId: id, properties: { text: 'x'.repeat(500) } })
  return {
    server,
    urls,
    acknowledged,
    eventOf,
    /** No file may grow more than a little beyond what log and store have now. */
    fillUp: async () => {
      const files = ['log', 'store'].map((folder) => stat(join(data, folder, 'data.mdb')))
      const sizes = (await Promise.all(files)).map(({ size }) => size)
      limit(String(Math.max(...sizes) + ROOM))
    },
    makeRoom: () => limit('unlimited'),
    /** True when all were accepted. Those that were not have a 503 each. */
    post: async (ids: readonly string[]): Promise<boolean> => {
      const reply = await send('POST', urls.batch, ids.map(eventOf))
      assert.equal(reply.status, 200, reply.text)
      const statuses = (reply.json as { status: number }[]).map(({ status }) => status)
      statuses.forEach((status, place) => {
        assert.ok(status === 201 || status === 503, `${status}`)
        if (status === 201) acknowledged.add(ids[place] as string)
      })
      return statuses.every((status) => status === 201)
    },
    stored: async (): Promise<string[]> => {
      const all = await send('GET', `${urls.events}&limit=-1`)
      return (all.json as { eventId: string }[]).map(({ eventId }) => eventId).sort()
    },
  }
}

const batch = (prefix: string): string[] =>
  Array.from({ length: BATCH }, (_, i) => `${prefix}-${i}`)

async function detailOf(server: RunningMillrace, part: string): Promise<string> {
  const { parts } = (await send('GET', `${server.console}/health`)).json as {
    parts: { name: string; status: string; detail: string; hint?: string }[]
  }
  const { status, detail, hint } = parts.find(({ name }) => name === part) ?? {}
  return `${status} ${detail} ${hint}`
}

test('with the log full events are refused, and everything else goes on', async (t) => {
  const { server, urls, acknowledged, eventOf, fillUp, makeRoom, post, stored } = await given(t)
  const first = batch('first')
  assert.ok(await post(first))
  await fillUp()
  // Repeats need room in the log only: the store has them.
  let batches = 0
  while (batches < BATCHES_MAX && (await post(first))) batches++
  assert.ok(batches < BATCHES_MAX, 'it never was full')
  const large = action('buy', 'u', 'large', { properties: { text: 'x'.repeat(100_000) } })
  const refused = await send('POST', urls.events, large)
  assert.equal(refused.status, 503, refused.text)
  assert.equal(refused.headers.get('millrace-error'), 'LOG_FULL')
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.match(await detailOf(server, 'log'), /failed The disk of the log is full.*Free space/)
  for (const id of first.slice(0, 10)) {
    assert.equal((await send('GET', urls.event(id))).status, 200)
  }
  assert.deepEqual(await stored(), [...first].sort())
  makeRoom()
  await until(async () => (await send('POST', urls.events, eventOf('last'))).status === 201, 30_000)
  acknowledged.add('last')
  assert.deepEqual(await stored(), [...acknowledged].sort())
  assert.match(await detailOf(server, 'log'), /^ok/)
  assert.equal(await server.stop(), 0)
})

test('with the store full what was accepted waits, and is there when there is room', async (t) => {
  const { server, urls, acknowledged, fillUp, makeRoom, post, stored } = await given(t)
  assert.ok(await post(batch('first')))
  assert.equal((await stored()).length, BATCH)
  await fillUp()
  let batches = 0
  while (batches < BATCHES_MAX && (await post(batch(`b${batches}`)))) batches++
  assert.ok(batches < BATCHES_MAX, 'it never was full')
  // Never a stale answer: what was acknowledged is not applied yet.
  const late = await send('GET', urls.event('b0-0'))
  assert.deepEqual([late.status, late.headers.get('millrace-error')], [503, 'READ_TIMEOUT'])
  assert.match(await detailOf(server, 'streams'), /failed store sink: The disk is full.*Free space/)
  makeRoom()
  await until(async () => (await send('GET', urls.event('b0-0'))).status === 200, 30_000)
  await until(async () => await post(batch('last')), 30_000)
  assert.deepEqual(await stored(), [...acknowledged].sort())
  assert.match(await detailOf(server, 'streams'), /^ok/)
  assert.equal(await server.stop(), 0)
  t.diagnostic(`${acknowledged.size} acknowledged and stored`)
})
