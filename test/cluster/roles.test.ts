// The roles apart: an event server, two processes of sinks, one of jobs and two query servers, over the real servers.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { action, eventUrls, itemEvent, send } from '../support/http-client.ts'
import {
  millraceJson,
  placeOf,
  type RunningMillrace,
  startMillrace,
} from '../support/millrace-process.ts'
import { sharedPlace } from '../support/shared-place.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { clusterUrl } from '../support/test-cluster.ts'
import { until } from '../support/until.ts'

const ENGINE = shopEngine()

const USERS = 12
/** A process that is stopped is out of the group after its session, and the others take its partitions. */
const TAKE_OVER_MS = 60_000

interface Fleet {
  readonly place: (name: string) => Promise<string>
  readonly start: (name: string, roles: string) => Promise<RunningMillrace>
}

/** Processes that share all servers and one folder of files, each with a data folder of its own. */
async function fleet(t: TestContext): Promise<Fleet> {
  const { config: place } = await sharedPlace(t)
  return {
    place,
    start: async (name, roles) => startMillrace(await place(name), t, { args: ['--roles', roles] }),
  }
}

interface Parts {
  readonly parts: readonly { readonly name: string; readonly detail: string }[]
}

/** The partitions that a process of sinks works on. */
async function shareOf({ console }: RunningMillrace): Promise<readonly string[]> {
  const { parts } = (await send('GET', `${console}/health`)).json as Parts
  const detail = parts.find(({ name }) => name === 'streams')?.detail ?? ''
  const [, share = ''] = /Partitions of this process: ([\d, ]+)\./.exec(detail) ?? []
  return share === '' ? [] : share.split(', ')
}

test('roles apart: one platform of six processes', async (t) => {
  const { place, start } = await fleet(t)
  const ingest = await start('ingest', 'ingest')
  assert.equal(ingest.query, null, 'it has no query server')
  const one = await start('streams-1', 'streams')
  const batch = await place('batch')
  await startMillrace(batch, t, { args: ['--roles', 'batch'] })
  const queries = [await start('serving-1', 'serving'), await start('serving-2', 'serving')]
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    'app',
    'new',
    'shop',
    ...placeOf(batch),
  ])
  const urls = eventUrls(ingest.event, accessKey)

  const accept = async (body: object): Promise<string> => {
    let id = ''
    await until(async () => {
      const reply = await send('POST', urls.events, body)
      // The app is new: the event server may not have heard of it yet.
      assert.ok([201, 401, 503].includes(reply.status), reply.text)
      id = (reply.json as { eventId?: string }).eventId ?? ''
      return reply.status === 201
    }, TAKE_OVER_MS)
    return id
  }
  const readBack = (id: string): Promise<void> =>
    until(async () => (await send('GET', urls.event(id))).status === 200, TAKE_OVER_MS)

  for (let user = 0; user < USERS; user++) {
    for (const item of ['i1', 'i2', `i${3 + (user % 4)}`])
      await accept(action('buy', `u${user}`, item))
  }
  await accept(itemEvent('$set', 'i3', { colour: 'red' }))
  await readBack(await accept(action('buy', 'new', 'i1')))

  const file = `${batch}.engine.json`
  await writeFile(file, JSON.stringify(ENGINE))
  const { versionId } = await millraceJson<{ versionId: string }>([
    'train',
    '--variant',
    file,
    ...placeOf(batch),
  ])

  const answers = async (body: object) =>
    Promise.all(
      queries.map(async ({ query }) => {
        const reply = await send('POST', `${query}/engines/shop/queries.json`, body)
        const { itemScores = [] } = reply.json as { itemScores?: { item: string }[] }
        return {
          status: reply.status,
          version: reply.headers.get('millrace-version'),
          items: itemScores.map(({ item }) => item),
        }
      }),
    )
  await until(async () => (await answers({ user: 'new' })).every(({ status }) => status === 200))
  for (const { version, items } of await answers({ user: 'new' })) {
    assert.equal(version, versionId)
    assert.equal(items[0], 'i2', 'who bought i1 bought i2')
    assert.ok(!items.includes('i1'))
  }
  const red = { user: 'new', fields: [{ name: 'colour', values: ['red'], bias: -1 }] }
  assert.deepEqual(
    (await answers(red)).map(({ items }) => items),
    [['i3'], ['i3']],
  )

  let sinks = one
  await t.test(
    'a second process of sinks takes half the partitions, and all when the first is killed',
    async () => {
      const two = await start('streams-2', 'streams')
      await until(async () => {
        const [mine, others] = [await shareOf(one), await shareOf(two)]
        return mine.length === 6 && others.length === 6 && new Set([...mine, ...others]).size === 12
      }, TAKE_OVER_MS)
      await readBack(await accept(action('buy', 'u1', 'i9')))
      await one.kill()
      const ids: string[] = []
      for (let user = 0; user < USERS; user++)
        ids.push(await accept(action('buy', `v${user}`, 'i1')))
      for (const id of ids) await readBack(id)
      await until(async () => (await shareOf(two)).length === 12, TAKE_OVER_MS)
      await accept(itemEvent('$delete', 'i3'))
      await until(
        async () => (await answers(red)).every(({ items }) => items.length === 0),
        TAKE_OVER_MS,
      )
      const all = await send('GET', `${urls.events}&limit=-1`)
      // 3 a user, the new one's, i9, those behind the kill, and two special events of the item: each once.
      assert.equal((all.json as unknown[]).length, 3 * USERS + 2 + USERS + 2)
      sinks = two
    },
  )

  await t.test('one that was stopped past its session and goes on does no harm', async () => {
    const late = sinks
    const other = await start('streams-3', 'streams')
    await until(async () => (await shareOf(other)).length === 6, TAKE_OVER_MS)
    // It has read records that it has not applied when it stops.
    const before = await Promise.all(
      Array.from({ length: USERS }, (_, user) => accept(action('buy', `w${user}`, 'i1'))),
    )
    process.kill(late.pid, 'SIGSTOP')
    await until(async () => (await shareOf(other)).length === 12, TAKE_OVER_MS)
    for (const id of before) {
      await readBack(id)
      await until(async () => (await send('DELETE', urls.event(id))).status === 200, TAKE_OVER_MS)
    }
    await accept(itemEvent('$set', 'i3', { colour: 'blue' }))
    const blue = { ...red, fields: [{ name: 'colour', values: ['blue'], bias: -1 }] }
    const isBlue = async (): Promise<boolean> =>
      (await answers(blue)).every(({ items }) => items.join() === 'i3')
    await until(isBlue, TAKE_OVER_MS)
    process.kill(late.pid, 'SIGCONT')
    await until(async () => (await shareOf(late)).length === 6, TAKE_OVER_MS)
    await readBack(await accept(action('buy', 'last', 'i1')))
    for (const id of before) {
      assert.equal((await send('GET', urls.event(id))).status, 404, 'it stays deleted')
    }
    assert.ok(await isBlue(), 'it stays as it was set')
    const all = await send('GET', `${urls.events}&limit=-1`)
    assert.equal((all.json as unknown[]).length, 4 * USERS + 6)
    t.diagnostic(
      `${5 * USERS + 6} acknowledged, ${USERS} deleted, ${4 * USERS + 6} stored, 0 lost, 0 twice, 0 undead`,
    )
  })
})

test('roles apart need ports that are shared, and the error names those that are not', async (t) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'millrace.toml')
  await writeFile(file, `data = "${join(folder, 'data')}"\nlog = "${clusterUrl('log')}"\n`)
  await assert.rejects(
    startMillrace(file, t, { args: ['--roles', 'ingest'] }),
    /store \(lmdb:\), index \(arrays:\)[\s\S]*store = "hbase:[\s\S]*ROLES_NOT_SHARED/,
  )
})
