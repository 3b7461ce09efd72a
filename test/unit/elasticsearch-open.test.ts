// What somebody is told whose item index cannot be opened: the port, the address, and what to do. The servers are small HTTP
// servers that answer as an Elasticsearch of that kind would.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemClock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import { silentTelemetry } from '#ports/telemetry'
import { createIdSource } from '#schemas/ids'
import { openItemIndex } from '../../infra/elasticsearch/item-index.ts'

async function serve(t: TestContext, status: number, body: unknown, product = true) {
  const server = createServer((_request, reply) => {
    reply.writeHead(status, {
      'content-type': 'application/vnd.elasticsearch+json;compatible-with=8',
      ...(product && { 'x-elastic-product': 'Elasticsearch' }),
    })
    reply.end(JSON.stringify(body))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function refusal(url: string): Promise<MillraceError> {
  const shared = { clock: systemClock, telemetry: silentTelemetry, ids: createIdSource() }
  try {
    const index = await openItemIndex({ url, prefix: 'test', ...shared })
    await index.close()
  } catch (error) {
    if (error instanceof MillraceError) return error
    throw error
  }
  throw new Error('it was opened')
}

const nodes = (version: string) => ({ nodes: { n1: { version } } })

test('nobody listens', async (t) => {
  const url = await serve(t, 200, {})
  const address = url.replace(/\d+$/, '9')
  const { code, message, hint } = await refusal(address)
  assert.equal(code, 'SERVER_UNREACHABLE')
  assert.match(message, new RegExp(`index \\(${address}\\) cannot be reached: .*ECONNREFUSED`))
  assert.match(hint, /the setting "index"/)
})

test('somebody else listens', async (t) => {
  for (const [status, product] of [
    [404, false],
    [200, false],
  ] as const) {
    const url = await serve(t, status, { hello: 'world' }, product)
    const { code, message } = await refusal(url)
    assert.equal(code, 'SERVER_UNREACHABLE')
    assert.ok(message.includes(url), message)
  }
})

test('wrong credentials', async (t) => {
  const cause = { type: 'security_exception', reason: 'unable to authenticate user [shop]' }
  const url = await serve(t, 401, { error: { root_cause: [cause], ...cause }, status: 401 })
  const { code, message, hint } = await refusal(url.replace('//', '//shop:secret@'))
  assert.equal(code, 'SERVER_REFUSED')
  assert.match(
    message,
    /index \(http:\/\/127[^@]*\) refused .*: security_exception: unable to authenticate/,
  )
  assert.ok(!message.includes('secret'))
  assert.match(hint, /user, password/)
})

test('a version that is too old, or not known yet', async (t) => {
  for (const version of ['7.17.9', '8.14.3', '10.0.0']) {
    const url = await serve(t, 200, nodes(version))
    const { code, message } = await refusal(url)
    assert.equal(code, 'SERVER_VERSION')
    assert.match(message, new RegExp(`index \\(${url}\\) .*${version}; Elasticsearch 8.15 to 9.x`))
  }
})

test('an address that is none', async () => {
  for (const url of ['http://', 'http://127.0.0.1:9200/index', 'http://h:9200/?a=b']) {
    const { code, message } = await refusal(url)
    assert.equal(code, 'CONFIG_INVALID')
    assert.match(message, /^index: /)
  }
})
