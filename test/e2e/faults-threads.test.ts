// Threads of sinks that die at any moment, under load: others take over, and in the end log, store, archive and dead
// letters hold what was acknowledged, each once.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createArchive } from '../../infra/archive/archive.ts'
import { openFolderFiles } from '../../infra/embedded/folder-files.ts'
import { action, eventUrls, send } from '../support/http-client.ts'
import { millraceJson, type RunningMillrace, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const CRASHER = new URL('../support/thread-crasher.ts', import.meta.url).href
const ROUNDS = 5
const SENDERS = 4

test('threads that die in the middle of their work lose nothing and double nothing', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const server = await startMillrace(data, t, {
    prefix: ['env', `NODE_OPTIONS=--import=${CRASHER}`],
  })
  const urls = eventUrls(server.event, accessKey)
  const first = await send('POST', urls.events, action('buy', 'u', 'i', { eventId: 'taken' }))
  assert.equal(first.status, 201)
  const load = startLoad(urls.batch)
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(150 + 37 * round)
    const reused = action('buy', 'u', `other-${round}`, { eventId: 'taken' })
    assert.equal((await send('POST', urls.events, reused)).status, 201)
    process.kill(server.pid, 'SIGUSR2')
    await until(async () => (await streamsHealth(server)).includes('is started again'))
    await until(async () => (await streamsHealth(server)) === 'All sinks run.', 20_000)
  }
  const acknowledged = ['taken', ...(await load.stop())].sort()
  const all = await send('GET', `${urls.events}&limit=-1`)
  assert.deepEqual(idsOf(all.json), acknowledged)
  const letters = await millraceJson<{ letters: { reason: string; position: string }[] }>([
    ...['dead-letters', 'list', '--data', data],
  ])
  assert.equal(new Set(letters.letters.map(({ position }) => position)).size, ROUNDS)
  assert.ok(letters.letters.every(({ reason }) => reason === 'EVENT_ID_REUSED'))
  assert.equal(await server.stop(), 0)
  await archiveHolds(t, data, acknowledged)
  t.diagnostic(`${acknowledged.length} acknowledged and stored, threads ended ${ROUNDS} times`)
})

const idsOf = (events: unknown): string[] =>
  (events as { eventId: string }[]).map(({ eventId }) => eventId).sort()

async function streamsHealth(server: RunningMillrace): Promise<string> {
  const { parts } = (await send('GET', `${server.console}/health`)).json as {
    parts: { name: string; detail: string }[]
  }
  return parts.find(({ name }) => name === 'streams')?.detail ?? ''
}

/** Batches from several senders, until it is stopped; then the ids that were acknowledged. */
function startLoad(url: string): { stop(): Promise<string[]> } {
  const acknowledged: string[] = []
  let going = true
  const sender = async (number: number): Promise<void> => {
    for (let i = 0; going; i++) {
      const events = Array.from({ length: 50 }, (_, place) =>
        action('buy', `user-${number}-${i % 97}`, `item-${place}`, {
          eventId: `${number}-${i}-${place}`,
        }),
      )
      const reply = await send('POST', url, events)
      assert.equal(reply.status, 200)
      for (const { status, eventId } of reply.json as { status: number; eventId: string }[]) {
        assert.equal(status, 201)
        acknowledged.push(eventId)
      }
    }
  }
  const senders = Array.from({ length: SENDERS }, (_, number) => sender(number))
  return {
    stop: async () => {
      going = false
      await Promise.all(senders)
      return acknowledged
    },
  }
}

/** Published ranges follow each other without a gap, and hold each event once. */
async function archiveHolds(t: TestContext, data: string, ids: readonly string[]): Promise<void> {
  const files = await openFolderFiles({ root: join(data, 'files') })
  t.after(() => files.close())
  const archive = createArchive({ files, telemetry: silentTelemetry, clock: systemClock })
  const archived: string[] = []
  let next = 0
  for await (const batch of archive.records(0, 0)) {
    for (const { offset, record } of batch) {
      assert.equal(offset, next++)
      if (record.kind === 'event' && !record.event.targetEntityId?.startsWith('other-')) {
        archived.push(record.event.eventId)
      }
    }
  }
  assert.deepEqual(archived.sort(), [...ids].sort())
}
