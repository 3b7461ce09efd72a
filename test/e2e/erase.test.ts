// `millrace erase`: an entity is gone from GET, find, export, answers and the next training, by exact count; the rest stays.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { action, eventUrls, itemEvent, send } from '../support/http-client.ts'
import { millrace, millraceJson, startMillrace } from '../support/millrace-process.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ENGINE = {
  id: 'shop',
  engineFactory: 'universal',
  datasource: { params: { appName: 'shop' } },
  algorithms: [{ name: 'ur', params: { indicators: [{ name: 'buy' }] } }],
}
/** Each user buys every item of his half: 10 users, 5 items each. */
const purchases = Array.from({ length: 50 }, (_, n) =>
  action('buy', `u${n % 10}`, `i${2 * Math.floor(n / 10) + (n % 2)}`),
)

interface Report {
  readonly erasedAt: string
  readonly positions: readonly { readonly offset: number }[]
  readonly events: { readonly own: number; readonly asTarget: number }
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
  assert.match(text.stdout, /archive +hidden from exports and trainings/)
})
