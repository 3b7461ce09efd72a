import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { createIngestFixture, type IngestFixture, KEY_ALL } from '../support/ingest-fixture.ts'

async function listen({ server }: IngestFixture): Promise<number> {
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  return Number(new URL(address).port)
}

const KEY = `accessKey=${KEY_ALL}`

test('what has no route is answered as by the framework: 404, or 405 with Allow', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const table: [string, number, string | undefined][] = [
    ['GET /unknown', 404, undefined],
    ['GET /events', 404, undefined],
    ['GET /events/', 404, undefined],
    ['GET /events.json/', 404, undefined],
    [`GET /events/.json?${KEY}`, 404, undefined],
    [`GET /events/abc?${KEY}`, 404, undefined],
    ['GET /webhooks/segmentio', 404, undefined],
    ['GET /webhooks/.json', 404, undefined],
    ['POST /', 405, 'GET'],
    ['OPTIONS /', 405, 'GET'],
    [`PATCH /events.json?${KEY}`, 405, 'POST, GET'],
    ['PUT /events/abc.json', 405, 'GET, DELETE'],
    ['GET /batch/events.json', 405, 'POST'],
    ['POST /stats.json', 405, 'GET'],
    ['DELETE /webhooks/segmentio.json', 405, 'POST, GET'],
    ['POST /plugins.json', 405, 'GET'],
  ]
  for (const [line, status, allow] of table) {
    const [method, url] = line.split(' ') as ['GET', string]
    const reply = await fixture.server.inject({
      method,
      url,
      ...(method !== 'GET' && { payload: '{bad', headers: { 'content-type': 'application/json' } }),
    })
    assert.equal(reply.statusCode, status, line)
    assert.equal(reply.headers.allow, allow, line)
    assert.equal(reply.headers['content-type'], 'text/plain; charset=UTF-8', line)
    const code = status === 404 ? 'NOT_FOUND' : 'METHOD_NOT_ALLOWED'
    assert.equal(reply.headers['millrace-error'], code, line)
    const body =
      status === 404
        ? 'The requested resource could not be found.'
        : `HTTP method not allowed, supported methods: ${allow}`
    assert.equal(reply.body, body, line)
  }
})

test('a URI beyond its limit is refused, by exact count', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const url = (start: string, length: number, end = ''): string =>
    start.padEnd(length - end.length, 'x') + end
  for (const [uri, status] of [
    [url(`/events.json?${KEY}&entityId=`, 2048), 404],
    [url(`/events.json?${KEY}&entityId=`, 2049), 414],
    [url('/events/', 4096, `.json?${KEY}`), 404],
    [url('/events/', 4097, `.json?${KEY}`), 414],
    [url('/events/', 12_000, `.json?${KEY}`), 414],
  ] as const) {
    const reply = await fixture.server.inject({ url: uri })
    assert.equal(reply.statusCode, status, String(uri.length))
    if (status === 414) {
      assert.equal(reply.headers['millrace-error'], 'URI_TOO_LONG')
      const limit = uri.startsWith('/events/') ? 4096 : 2048
      assert.equal(reply.body, `URI length exceeds the configured limit of ${limit} characters`)
    }
  }
})

test('HEAD is GET without the body', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const get = await fixture.server.inject({ url: '/' })
  assert.equal(get.body, '{"status":"alive"}')
  const head = await fixture.server.inject({ method: 'HEAD', url: '/' })
  assert.equal(head.statusCode, 200)
  assert.equal(head.body, '')
  assert.equal(head.headers['content-length'], get.headers['content-length'])
})

test('a path that is no UTF-8 and a body that ends early are refused', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const path = await fixture.server.inject({ url: `/events/%ff.json?${KEY}` })
  assert.equal(path.statusCode, 400)
  assert.equal(path.headers['millrace-error'], 'PARAMETER_INVALID')
  const body = await fixture.server.inject({
    method: 'POST',
    url: `/events.json?${KEY}`,
    headers: { 'content-type': 'application/json', 'content-length': '99' },
    payload: '{}',
  })
  assert.equal(body.statusCode, 400)
  assert.equal(body.headers['millrace-error'], 'BODY_INVALID')
})

test('a body of the limit is taken and one byte more is not, with and without its length', async (t) => {
  const fixture = await createIngestFixture({ limits: { bodyBytesMax: 200 } })
  t.after(() => fixture.close())
  const port = await listen(fixture)
  const start = '{"event":"view","entityType":"user","entityId":"'
  for (const [size, chunked, status] of [
    [200, false, 201],
    [201, false, 400],
    [200, true, 201],
    [201, true, 400],
  ] as const) {
    const text = `${start.padEnd(size - 2, 'x')}"}`
    const body = chunked ? new Blob([text.slice(0, 100), text.slice(100)]).stream() : text
    const reply = await fetch(`http://127.0.0.1:${port}/events.json?${KEY}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      ...(chunked && { duplex: 'half' }),
    })
    const answer = await reply.text()
    assert.equal(reply.status, status, answer)
    if (status === 400) {
      const length = chunked ? 'None' : 'Some(201)'
      assert.ok(
        answer.startsWith(
          `{"message":"EntityStreamSizeException: actual entity size (${length}) exceeded content length limit (200 bytes)!`,
        ),
        answer,
      )
      assert.equal(reply.headers.get('millrace-error'), 'BODY_TOO_LARGE')
    }
  }
})

test('requests sent back to back on one connection are answered in order', async (t) => {
  const fixture = await createIngestFixture()
  t.after(() => fixture.close())
  const port = await listen(fixture)
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  const request = (id: string): string => {
    const body = `{"event":"view","entityType":"user","entityId":"u","eventId":"${id}"}`
    return `POST /events.json?${KEY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
  let text = ''
  socket.setEncoding('utf8')
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      text += chunk
      if (text.includes('"three"')) resolve()
    })
  })
  socket.write(request('one') + request('two') + request('three'))
  await done
  const ids = [...text.matchAll(/{"eventId":"(\w+)"}/g)].map((match) => match[1])
  assert.deepEqual(ids, ['one', 'two', 'three'])
})
