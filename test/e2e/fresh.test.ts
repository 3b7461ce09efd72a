// What changes without training: a user's event, an item's `$set`, `$unset` and `$delete`, a new item. And that queries go on
// while a version is trained and switched.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { action, eventUrls, itemEvent, type Shop, send } from '../support/http-client.ts'
import {
  millrace,
  millraceJson,
  type RunningMillrace,
  startMillrace,
} from '../support/millrace-process.ts'
import { shopEngine } from '../support/shop-engine.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ENGINE = shopEngine(['buy', 'view'], { num: 20 })

describe('without training', () => {
  let server: RunningMillrace
  let shop: Shop
  let data: string
  let engineFile: string
  const endOfSuite: (() => Promise<void>)[] = []

  before(async (t) => {
    const suite = { after: (end: () => Promise<void>) => endOfSuite.push(end) }
    const folder = await temporaryFolder(suite)
    data = join(folder, 'data')
    engineFile = join(folder, 'engine.json')
    await writeFile(engineFile, JSON.stringify(ENGINE))
    server = await startMillrace(data, suite)
    const app = await millraceJson<{ accessKey: string }>(['app', 'new', 'shop', '--data', data])
    shop = eventUrls(server.event, app.accessKey)
    await sendAll(checkerboard())
    await millraceJson(['train', '--variant', engineFile, '--data', data])
    void t
  })

  test.after(async () => {
    for (const end of endOfSuite.reverse()) await end()
  })

  const sendAll = async (events: readonly object[]): Promise<string> => {
    let position = ''
    for (let i = 0; i < events.length; i += 50) {
      const reply = await send('POST', shop.batch, events.slice(i, i + 50))
      assert.equal(reply.status, 200)
      for (const item of reply.json as { status: number }[]) assert.equal(item.status, 201)
      position = reply.headers.get('millrace-position') ?? ''
    }
    return position
  }

  const query = async (body: object, position = ''): Promise<string[]> => {
    const headers: Record<string, string> = position === '' ? {} : { 'millrace-position': position }
    const reply = await send('POST', `${server.query}/queries.json`, body, headers)
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.headers.get('millrace-degraded'), null)
    return (reply.json as { itemScores: { item: string }[] }).itemScores.map(({ item }) => item)
  }

  test("a user's event changes the next answer", async () => {
    assert.equal((await query({ user: 'new-even' }))[0]?.startsWith('item-'), true)
    const position = await sendAll([
      action('buy', 'new-even', 'item-0'),
      action('buy', 'new-even', 'item-2'),
    ])
    const [first, second] = await query({ user: 'new-even' }, position)
    assert.deepEqual([parity(first), parity(second)], [0, 0])
    const odd = await sendAll([
      action('view', 'new-odd', 'item-1'),
      action('view', 'new-odd', 'item-3'),
    ])
    assert.equal(parity((await query({ user: 'new-odd' }, odd))[0]), 1)
  })

  test("an item's $set and $unset change rules", async () => {
    const red = { user: 'somebody', fields: [{ name: 'colour', values: ['red'], bias: -1 }] }
    assert.deepEqual(await query(red), [])
    const set = await sendAll([itemEvent('$set', 'item-5', { colour: 'red' })])
    assert.deepEqual(await query(red, set), ['item-5'])
    const unset = await sendAll([itemEvent('$unset', 'item-5', { colour: null })])
    assert.deepEqual(await query(red, unset), [])
  })

  test('a new item is found by rules and at the end of the ranking; $delete takes an item away', async () => {
    const position = await sendAll([itemEvent('$set', 'brand-new', { colour: 'green' })])
    const green = { fields: [{ name: 'colour', values: ['green'], bias: -1 }] }
    assert.deepEqual(await query(green, position), ['brand-new'])
    const bought = await sendAll([action('buy', 'somebody-else', 'first-sale')])
    assert.ok((await query({ num: 100 }, bought)).includes('first-sale'))
    const gone = await sendAll([itemEvent('$delete', 'brand-new')])
    assert.deepEqual(await query(green, gone), [])
    const back = await sendAll([itemEvent('$set', 'brand-new', { colour: 'green' })])
    assert.deepEqual(await query(green, back), ['brand-new'])
  })

  test('queries never fail while versions are trained and switched, and what was set meanwhile is in the new one', async () => {
    const versions = new Set<string>()
    let training = true
    let asked = 0
    const asking = (async () => {
      while (training) {
        const reply = await send('POST', `${server.query}/queries.json`, { user: 'user-1' })
        assert.equal(reply.status, 200, reply.text)
        versions.add(reply.headers.get('millrace-version') ?? '')
        asked++
      }
    })()
    const trained = millraceJson<{ versionId: string }>([
      'train',
      '--variant',
      engineFile,
      '--data',
      data,
    ])
    await sendAll([itemEvent('$set', 'item-7', { colour: 'blue' })])
    const { versionId } = await trained
    training = false
    await asking
    assert.ok(asked > 10)
    assert.ok(versions.size <= 2)
    const reply = await send('POST', `${server.query}/queries.json`, {
      fields: [{ name: 'colour', values: ['blue'], bias: -1 }],
    })
    assert.equal(reply.headers.get('millrace-version'), versionId)
    assert.deepEqual(
      (reply.json as { itemScores: { item: string }[] }).itemScores.map((i) => i.item),
      ['item-7'],
    )
  })

  test('rollback makes the version before live again', async () => {
    type Row = { version: string; status: string }
    const list = (): Promise<Row[]> =>
      millraceJson<Row[]>(['model', 'list', 'shop', '--data', data])
    const [active, previous] = await list()
    assert.deepEqual([active?.status, previous?.status], ['active', 'previous'])
    await millraceJson(['model', 'rollback', 'shop', '--data', data])
    const reply = await send('POST', `${server.query}/queries.json`, { user: 'user-1' })
    assert.equal(reply.headers.get('millrace-version'), previous?.version)
  })

  test('an engine that was never trained says so', async () => {
    const file = `${engineFile}.other.json`
    await writeFile(file, JSON.stringify({ ...ENGINE, id: 'untrained' }))
    assert.equal((await millrace(['engine', 'add', file, '--data', data])).code, 0)
    const reply = await send('POST', `${server.query}/engines/untrained/queries.json`, {
      user: 'user-1',
    })
    assert.equal(reply.status, 404)
    assert.equal((reply.json as { code: string }).code, 'ENGINE_NOT_TRAINED')
  })
})

const parity = (item: string | undefined): number => Number(item?.split('-')[1]) % 2

/** Even users buy and view even items, odd ones odd items, each but the one that is their own. */
function checkerboard(): object[] {
  const events: object[] = []
  for (let user = 0; user < 40; user++) {
    for (let item = user % 2; item < 20; item += 2) {
      if (item === user % 20) continue
      events.push(action('buy', `user-${user}`, `item-${item}`))
      events.push(action('view', `user-${user}`, `item-${item}`))
    }
  }
  return events
}
