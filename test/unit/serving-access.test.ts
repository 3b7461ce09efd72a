// Who may query: anybody on this machine, elsewhere who has a key of the engine's app.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { APP_KEY, OTHER_APP, OTHER_KEY } from '../support/serving-fixture.ts'
import { SHOP_MODEL, SHOP_VARIANT, serveShop } from '../support/serving-shop.ts'

describe('keys', () => {
  const remoteAddress = '192.0.2.7'
  const basic = (key: string) => ({
    authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
  })

  test('none is needed on the loopback address', async (t) => {
    const fixture = await serveShop(t)
    for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) {
      assert.equal((await fixture.query({}, { remoteAddress: address })).status, 200, address)
    }
  })

  test('elsewhere a key of the app, in the address or as Basic user', async (t) => {
    const fixture = await serveShop(t)
    const missing = await fixture.query({}, { remoteAddress })
    assert.deepEqual([missing.status, missing.json.code], [401, 'ACCESS_KEY_MISSING'])
    const wrong = await fixture.query({}, { remoteAddress, headers: basic('guessed') })
    assert.deepEqual([wrong.status, wrong.json.code], [401, 'ACCESS_KEY_INVALID'])
    const path = `/queries.json?accessKey=${APP_KEY}`
    assert.equal((await fixture.query({}, { remoteAddress, path })).status, 200)
    const headers = basic(APP_KEY)
    assert.equal((await fixture.query({}, { remoteAddress, headers })).status, 200)
  })

  test('a proxy on this machine does not make its callers local', async (t) => {
    const fixture = await serveShop(t)
    const headers = { 'x-forwarded-for': '192.0.2.7' }
    assert.equal((await fixture.query({}, { headers })).status, 401)
  })

  test('a key of another app sees no engine of this one', async (t) => {
    const fixture = await serveShop(t)
    const headers = basic(OTHER_KEY)
    for (const path of ['/queries.json', '/engines/shop/queries.json']) {
      const { status, json } = await fixture.query({}, { remoteAddress, headers, path })
      assert.deepEqual([status, json.code], [404, 'ENGINE_NOT_FOUND'])
    }
    await fixture.register('theirs', SHOP_VARIANT, OTHER_APP)
    await fixture.activate('theirs', 'their-v1', SHOP_MODEL)
    const own = await fixture.query({}, { remoteAddress, headers })
    assert.equal(own.headers['millrace-version'], 'their-v1')
  })

  test('a deleted key is refused from then on', async (t) => {
    const fixture = await serveShop(t)
    const headers = basic(APP_KEY)
    assert.equal((await fixture.query({}, { remoteAddress, headers })).status, 200)
    await fixture.change({ type: 'key-deleted', hash: fixture.directory.sealKey(APP_KEY).hash })
    assert.equal((await fixture.query({}, { remoteAddress, headers })).status, 401)
  })

  test('serving.open asks nobody', async (t) => {
    const fixture = await serveShop(t, { open: true })
    assert.equal((await fixture.query({}, { remoteAddress })).status, 200)
  })
})
