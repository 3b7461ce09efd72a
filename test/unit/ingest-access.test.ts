import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import { createAccess } from '../../ingest/access.ts'
import { parseParameters } from '../../ingest/parameters.ts'
import {
  change,
  createIngestFixture,
  createShopDirectory,
  KEY_ALL,
  KEY_OTHER,
  KEY_VIEW,
  MOBILE,
  OTHER,
  SHOP,
} from '../support/ingest-fixture.ts'

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

test('a key comes from the query, else from Basic authentication', async () => {
  const access = createAccess(await createShopDirectory())
  const table: [string, string, string | undefined, string | readonly [number, number]][] = [
    ['nothing', '', undefined, 'Missing accessKey.'],
    ['unknown', 'accessKey=nope', undefined, 'Invalid accessKey.'],
    ['empty', 'accessKey=', undefined, 'Invalid accessKey.'],
    ['other case', `accesskey=${KEY_ALL}`, undefined, 'Missing accessKey.'],
    ['good', `accessKey=${KEY_ALL}`, undefined, [SHOP, 0]],
    ['twice, good first', `accessKey=${KEY_ALL}&accessKey=nope`, undefined, [SHOP, 0]],
    ['twice, bad first', `accessKey=nope&accessKey=${KEY_ALL}`, undefined, 'Invalid accessKey.'],
    ['query beats header', `accessKey=${KEY_ALL}`, basic('nope:'), [SHOP, 0]],
    ['empty query beats header', 'accessKey=', basic(`${KEY_ALL}:`), 'Invalid accessKey.'],
    ['header', '', basic(`${KEY_ALL}:`), [SHOP, 0]],
    ['header with password', '', basic(`${KEY_ALL}:secret:x`), [SHOP, 0]],
    ['header without colon', '', basic(KEY_ALL), [SHOP, 0]],
    ['header in lower case', '', basic(`${KEY_ALL}:`).replace('Basic', 'basic'), [SHOP, 0]],
    ['header with an unknown key', '', basic('nope:'), 'Invalid accessKey.'],
    ['header with a colon only', '', basic(':'), 'Invalid accessKey.'],
    ['header of another kind', '', `Bearer ${KEY_ALL}`, 'Invalid accessKey.'],
    ['channel', `accessKey=${KEY_ALL}&channel=mobile`, undefined, [SHOP, MOBILE]],
    ['channel with a header', 'channel=mobile', basic(`${KEY_ALL}:`), [SHOP, MOBILE]],
    ['unknown channel', `accessKey=${KEY_ALL}&channel=x`, undefined, "Invalid channel 'x'."],
    ['empty channel', `accessKey=${KEY_ALL}&channel=`, undefined, "Invalid channel ''."],
    [
      "another app's",
      `accessKey=${KEY_OTHER}&channel=mobile`,
      undefined,
      "Invalid channel 'mobile'.",
    ],
    ['another app', `accessKey=${KEY_OTHER}`, undefined, [OTHER, 0]],
  ]
  for (const [name, query, header, expected] of table) {
    const grant = access(parseParameters(query), header)
    if (typeof expected === 'string') {
      assert.ok(grant instanceof MillraceError, name)
      assert.equal(grant.message, expected, name)
      assert.equal(grant.status, 401, name)
    } else {
      assert.ok(!(grant instanceof MillraceError), name)
      assert.deepEqual([grant.app, grant.channel], expected, name)
    }
  }
})

test('a deleted key opens nothing from the moment the directory knows', async () => {
  const directory = await createShopDirectory()
  const access = createAccess(directory)
  const parameters = parseParameters(`accessKey=${KEY_VIEW}`)
  assert.ok(!(access(parameters, undefined) instanceof MillraceError))
  await change(directory, [{ type: 'key-deleted', hash: directory.sealKey(KEY_VIEW).hash }])
  assert.ok(access(parameters, undefined) instanceof MillraceError)
})

test('every route but the open ones asks for a key before it looks at anything else', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const guarded = [
    'POST /events.json',
    'GET /events.json',
    'HEAD /events.json',
    'GET /events/abc.json',
    'DELETE /events/abc.json',
    'POST /batch/events.json',
    'GET /stats.json',
    'GET /webhooks/segmentio.json',
    'POST /webhooks/segmentio.json',
    'POST /webhooks/mailchimp.form',
    'GET /plugins/inputblocker/foo',
  ]
  for (const line of guarded) {
    const [method, url] = line.split(' ') as ['GET', string]
    for (const [query, code] of [
      ['', 'ACCESS_KEY_MISSING'],
      ['?accessKey=nope', 'ACCESS_KEY_INVALID'],
      [`?accessKey=${KEY_OTHER}&channel=mobile`, 'CHANNEL_INVALID'],
    ] as const) {
      const reply = await fixture.server.inject({
        method,
        url: url + query,
        ...(method !== 'GET' && { payload: '{bad', headers: { 'content-type': 'text/x' } }),
      })
      assert.equal(reply.statusCode, 401, line)
      assert.equal(reply.headers['millrace-error'], code, line)
      assert.equal(reply.headers['www-authenticate'], undefined)
    }
  }
})

test("no route shows or ends another app's events", async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const { server } = fixture
  await server.inject({
    method: 'POST',
    url: `/events.json?accessKey=${KEY_ALL}`,
    payload: { event: 'view', entityType: 'user', entityId: 'u1', eventId: 'secret' },
  })
  const foreign = `accessKey=${KEY_OTHER}`
  for (const [method, url] of [
    ['GET', `/events/secret.json?${foreign}`],
    ['DELETE', `/events/secret.json?${foreign}`],
    ['GET', `/events.json?${foreign}&limit=-1`],
    ['GET', `/events/secret.json?accessKey=${KEY_ALL}&channel=mobile`],
    ['GET', `/events.json?accessKey=${KEY_ALL}&channel=mobile`],
  ] as const) {
    const reply = await server.inject({ method, url })
    assert.equal(reply.statusCode, 404, url)
    assert.equal(reply.body, '{"message":"Not Found"}', url)
  }
  const own = await server.inject({ url: `/events/secret.json?accessKey=${KEY_VIEW}` })
  assert.equal(own.statusCode, 200, 'a key limited to some events may read all of its app')
})
