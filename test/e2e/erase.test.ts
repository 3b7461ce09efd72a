// `millrace erase`: an entity is gone from GET, find, export, answers and the next training, by exact count; the rest stays.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'
import { systemClock } from '#ports/clock'
import type { Files } from '#ports/files'
import { DAY_MS } from '../../infra/archive/layout.ts'
import { keepArchive } from '../../infra/archive/upkeep.ts'
import { openTables } from '../../infra/embedded/event-store/environment.ts'
import { openFolderFiles } from '../../infra/embedded/folder-files.ts'
import { action, eventUrls, itemEvent, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ENGINE = shopEngine()
/** Each user buys every item of his half: 10 users, 5 items each. */
const purchases = Array.from({ length: 50 }, (_, n) =>
  action('buy', `u${n % 10}`, `i${2 * Math.floor(n / 10) + (n % 2)}`),
)

interface Report {
  readonly erasedAt: string
  readonly positions: readonly { readonly offset: number }[]
  readonly events: { readonly own: number; readonly asTarget: number }
  readonly archive: { readonly ranges: number; readonly rows: number; readonly goneBy: string }
  readonly models: readonly { readonly engineId: string; readonly status: string }[]
}

test('an erased entity is gone from every reader, and the report says what is left', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const variant = join(folder, 'engine.json')
  await writeFile(variant, JSON.stringify(ENGINE))
  const server = await startMillrace(data, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const shop = eventUrls(server.event, accessKey)
  const ids: string[] = []
  const sent = [...purchases, itemEvent('$set', 'i0', { color: 'red' })]
  for (const event of sent) {
    const reply = await send('POST', shop.events, event)
    assert.equal(reply.status, 201)
    ids.push((reply.json as { eventId: string }).eventId)
  }
  const train = () =>
    millraceJson<{ events: number; users: number }>(['train', '--variant', variant, '--data', data])
  const before = await train()
  assert.equal(before.events, 51)

  const erase = (type: string, id: string): string[] => [
    ...['erase', '--app', 'shop', '--entity-type', type, '--entity-id', id, '--data', data],
  ]
  const user = await millraceJson<Report>(erase('user', 'u3'))
  assert.deepEqual(user.events, { own: 5, asTarget: 0 })
  assert.equal(user.archive.rows, 5)
  assert.ok(Date.parse(user.archive.goneBy) - Date.parse(user.erasedAt) >= DAY_MS)
  assert.equal(Date.parse(user.erasedAt) > 0 && user.positions.length > 0, true)
  assert.deepEqual(
    user.models.map(({ engineId, status }) => `${engineId} ${status}`),
    ['shop active'],
  )
  const item = await millraceJson<Report>(erase('item', 'i0'))
  assert.deepEqual(item.events, { own: 1, asTarget: 5 })

  const left = purchases.map((_, n) => n).filter((n) => n % 10 !== 3 && !(n < 10 && n % 2 === 0))
  assert.equal(left.length, 40)
  for (const [n, id] of ids.entries()) {
    const { status } = await send('GET', shop.event(id))
    assert.equal(status, left.includes(n) ? 200 : 404, `event ${n}`)
  }
  const found = await send('GET', `${shop.events}&limit=-1`)
  assert.equal((found.json as unknown[]).length, 40)
  const ofUser = await send('GET', `${shop.events}&entityType=user&entityId=u3`)
  assert.equal(ofUser.status, 404)
  const output = join(folder, 'export')
  await millraceJson(['export', '--app', 'shop', '--output', output, '--data', data])
  const exported = await readFile(join(output, 'part-00000'), 'utf8')
  assert.equal(exported.trim().split('\n').length, 40)
  assert.doesNotMatch(exported, /"u3"|"i0"/)

  const after = await train()
  assert.equal(after.events, 40)
  const ask = async (query: object) =>
    (await send('POST', `${server.query}/queries.json`, query)).text
  const personal = await ask({ user: 'u3', num: 20, explain: true })
  assert.doesNotMatch(personal, /"source":"user"/, 'no history is left')
  assert.match(await ask({ user: 'u5', num: 20, explain: true }), /itemScores/)
  for (const query of [{ user: 'u5', num: 20 }, { num: 20 }]) {
    assert.doesNotMatch(await ask(query), /"i0"/, 'the item is no item any more')
  }

  const again = await send('POST', shop.events, action('buy', 'u3', 'i1'))
  assert.equal(again.status, 201)
  const anew = await send('GET', `${shop.events}&entityType=user&entityId=u3`)
  assert.equal((anew.json as unknown[]).length, 1, 'what comes later counts')
  const text = await millrace(erase('user', 'nobody'))
  assert.equal(text.code, 0, text.stderr)
  assert.match(text.stdout, /^Erasure of user nobody from the app shop, \d{4}-/)
  assert.match(text.stdout, /removed: 0 events of it, 0 that it was the target of/)
  assert.match(
    text.stdout,
    /archive +hidden from exports and trainings; no row of it was in a file/,
  )
})

/** Everything that a folder's archive and event store hold, as text. */
async function saidIn(data: string, files: Files): Promise<string> {
  const said: string[] = []
  for (const { path } of await files.list('archive')) {
    const bytes = await files.read(path)
    const rows = await parquetReadObjects({
      file: Uint8Array.from(bytes).buffer,
      compressors: { ZSTD: (input) => zstdDecompressSync(input) },
    })
    said.push(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? `${value}` : value)))
  }
  const { root, ...tables } = openTables({ path: join(data, 'store') })
  for (const table of Object.values(tables)) {
    for (const { key, value } of table.getRange({})) said.push(key.toString(), value.toString())
  }
  await root.close()
  return said.join('\n')
}

test('a day after an erasure no word of the entity is in archive and event store', async (t) => {
  const folder = await temporaryFolder(t)
  const data = join(folder, 'data')
  const server = await startMillrace(data, t)
  const { accessKey } = await millraceJson<{ accessKey: string }>([
    ...['app', 'new', 'shop', '--data', data],
  ])
  const shop = eventUrls(server.event, accessKey)
  const gone = 'eva-maria-4711'
  for (let n = 0; n < 30; n++) {
    const event = action('buy', n % 3 === 0 ? gone : `u${n}`, n % 5 === 1 ? gone : `i${n % 4}`)
    assert.equal((await send('POST', shop.events, event)).status, 201)
  }
  const profile = { event: '$set', entityType: 'user', entityId: gone, properties: { a: 1 } }
  await send('POST', shop.events, profile)
  await millraceJson(['replay', '--data', data])
  const erase = (type: string) =>
    millraceJson<Report>([
      ...['erase', '--app', 'shop', '--entity-type', type, '--entity-id', gone, '--data', data],
    ])
  assert.equal((await erase('user')).archive.rows, 11)
  assert.equal((await erase('item')).archive.rows, 6, 'two of them tombstones that named it')
  const differences = await millraceJson<{ differences: { total: number } }>([
    ...['replay', '--data', data],
  ])
  assert.equal(differences.differences.total, 0, JSON.stringify(differences))
  assert.equal(await server.stop(), 0)

  const files = await openFolderFiles({ root: join(data, 'files') })
  assert.match(
    await saidIn(data, files),
    new RegExp(gone),
    'a training may still read the old files',
  )
  const tomorrow = { ...systemClock, now: () => Date.now() + DAY_MS }
  await keepArchive({ files, clock: tomorrow, signal: new AbortController().signal })
  const said = await saidIn(data, files)
  assert.ok(!said.includes(gone))
  assert.ok(said.includes('"u29"'))
  await files.close()
})
