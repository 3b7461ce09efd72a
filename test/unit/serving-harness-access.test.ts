// Who may make which call of Harness: this machine all, keys of the app as far as they go, nobody else anything.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { HarnessFace, HarnessJob } from '../../serving/harness-face.ts'
import { APP, APP_KEY, OTHER_KEY, type ServingFixture } from '../support/serving-fixture.ts'
import { serveShop } from '../support/serving-shop.ts'

const VIEW_KEY = 'key-of-the-app-for-views-only'
const ELSEWHERE = '192.0.2.7'
const JOB: HarnessJob = {
  jobId: 'j1',
  status: 'queued',
  comment: '',
  createdAt: '2025-01-01T00:00:00.000Z',
  completedAt: null,
}

/** A face that does nothing and notes what was asked. */
function createFace(asked: string[]): HarnessFace {
  const note =
    <T>(name: string, result: T) =>
    async (): Promise<T> => {
      asked.push(name)
      return result
    }
  const position = { generation: 0, partition: 0, offset: 0 }
  return {
    add: note('add', 'new'),
    update: note('update', undefined),
    remove: note('remove', undefined),
    input: note('input', { outcome: 'accepted', position }),
    train: note('train', JOB),
    import: note('import', JOB),
    jobs: async () => [],
    cancel: note('cancel', undefined),
    events: note('events', []),
    erase: note('erase', 0),
  }
}

type Who = 'client' | 'admin' | 'machine'

/** Every call: the least of callers that may make it, and what the face is asked then. */
const CALLS: readonly (readonly [
  Who,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  string,
  string | null,
])[] = [
  ['client', 'POST', '/engines/shop/events', 'input'],
  ['client', 'PUT', '/engines/shop/events', 'input'],
  ['client', 'POST', '/engines/shop/queries', null],
  ['admin', 'GET', '/engines', null],
  ['admin', 'GET', '/engines/shop', null],
  ['admin', 'POST', '/engines/shop/jobs', 'train'],
  ['admin', 'DELETE', '/engines/shop/jobs/j1', 'cancel'],
  ['admin', 'GET', '/engines/shop/entities/u', 'events'],
  ['admin', 'DELETE', '/engines/shop/entities/u', 'erase'],
  ['machine', 'POST', '/engines', 'add'],
  ['machine', 'DELETE', '/engines/shop', 'remove'],
  ['machine', 'POST', '/engines/shop/configs', 'update'],
  ['machine', 'POST', '/engines/shop/imports?import_path=/x', 'import'],
]

interface Given {
  readonly fixture: ServingFixture
  readonly asked: string[]
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    from?: {
      readonly key?: string
      readonly headers?: Record<string, string>
      readonly here?: true
    },
  ): Promise<{ readonly status: number; readonly code: unknown }>
}

async function given(t: TestContext, open = false): Promise<Given> {
  const asked: string[] = []
  const fixture = await serveShop(t, { harness: createFace(asked), open })
  const key = { ...fixture.directory.sealKey(VIEW_KEY), appId: APP, events: ['view'] }
  await fixture.change({ type: 'key-created', key })
  return {
    fixture,
    asked,
    async call(method, path, { key, headers = {}, here } = {}) {
      const basic = Buffer.from(`${key}:`).toString('base64')
      const authorization = key === undefined ? {} : { authorization: `Basic ${basic}` }
      const reply = await fixture.server.inject({
        method,
        url: path,
        headers: { ...headers, ...authorization },
        ...(method === 'GET' || method === 'DELETE' ? {} : { payload: {} }),
        ...(here ? {} : { remoteAddress: ELSEWHERE }),
      })
      return { status: reply.statusCode, code: reply.headers['millrace-error'] }
    },
  }
}

for (const [who, method, path, asks] of CALLS) {
  test(`${method} ${path} is for: ${who}`, async (t) => {
    const { asked, call } = await given(t)
    const outcome = async (from: Parameters<Given['call']>[2]): Promise<string> => {
      asked.length = 0
      const { status, code } = await call(method, path, from)
      if (status < 300) assert.deepEqual(asked, asks === null ? [] : [asks])
      else assert.deepEqual(asked, [], 'a refused call does nothing')
      return status < 300 ? 'done' : String(code)
    }
    assert.equal(await outcome({ here: true }), 'done', 'this machine')
    const limited = who === 'client' ? 'done' : 'HARNESS_CALL_FORBIDDEN'
    const full = who === 'machine' ? 'HARNESS_CALL_FORBIDDEN' : 'done'
    assert.equal(await outcome({ key: VIEW_KEY }), limited, 'a key for some events')
    assert.equal(await outcome({ key: APP_KEY }), full, 'a key of the app')
    assert.equal(await outcome({}), 'ACCESS_KEY_MISSING')
    assert.equal(await outcome({ key: 'guessed' }), 'ACCESS_KEY_INVALID')
    const others = who === 'machine' ? 'HARNESS_CALL_FORBIDDEN' : 'ENGINE_NOT_FOUND'
    if (path !== '/engines') assert.equal(await outcome({ key: OTHER_KEY }), others)
    const proxied = { here: true, headers: { 'x-forwarded-for': ELSEWHERE } } as const
    assert.equal(await outcome(proxied), 'ACCESS_KEY_MISSING', 'a proxy on this machine')
    if (path.endsWith('/queries')) return
    const browser = { here: true, headers: { origin: 'http://elsewhere.example' } } as const
    assert.equal(await outcome(browser), 'ACCESS_KEY_MISSING', 'a page in a browser here')
    const renamed = { here: true, headers: { host: 'elsewhere.example:8000' } } as const
    assert.equal(await outcome(renamed), 'ACCESS_KEY_MISSING', 'a page whose name points here')
    for (const host of ['localhost:9090', '127.0.0.1', '[::1]:9090']) {
      assert.equal(await outcome({ here: true, headers: { host } }), 'done', host)
    }
  })
}

test('a key lists the engines of its app alone', async (t) => {
  const { fixture } = await given(t)
  const list = async (key: string): Promise<unknown> => {
    const url = `/engines?accessKey=${key}`
    const reply = await fixture.server.inject({ url, remoteAddress: ELSEWHERE })
    return reply.json<{ engineId: string }[]>().map(({ engineId }) => engineId)
  }
  assert.deepEqual(await list(APP_KEY), ['shop'])
  assert.deepEqual(await list(OTHER_KEY), [])
})

test('serving.open opens queries and nothing else', async (t) => {
  const { call } = await given(t, true)
  assert.equal((await call('POST', '/engines/shop/queries')).status, 200)
  assert.equal((await call('POST', '/engines/shop/events')).code, 'ACCESS_KEY_MISSING')
})

test('an event that is not known to be in the log comes back with its id', async (t) => {
  const error = new MillraceError('LOG_UNAVAILABLE', { reason: 'no answer' })
  const face = {
    ...createFace([]),
    input: async () => ({ outcome: 'failed', error, eventId: 'e1' }),
  }
  const { server } = await serveShop(t, { harness: face as HarnessFace })
  const reply = await server.inject({ method: 'POST', url: '/engines/shop/events', payload: {} })
  assert.equal(reply.statusCode, 503)
  assert.ok(Number(reply.headers['retry-after']) > 0)
  assert.equal(reply.json<{ eventId: string }>().eventId, 'e1')
})

test('too many events are told when to come again', async (t) => {
  const limited = async (): Promise<never> => {
    throw new MillraceError('ADMISSION_LIMITED', { limit: 1, retryAfter: 7 })
  }
  const { server } = await serveShop(t, { harness: { ...createFace([]), input: limited } })
  const reply = await server.inject({ method: 'POST', url: '/engines/shop/events', payload: {} })
  assert.deepEqual([reply.statusCode, reply.headers['retry-after']], [429, '7'])
})
