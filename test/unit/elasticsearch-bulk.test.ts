// Bulk writes: each item has an outcome of its own, and only those turned away for now are sent again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '#ports/clock'
import { bulkWrite, type Write } from '../../infra/elasticsearch/bulk.ts'
import type {
  ElasticsearchClient,
  Method,
  RequestOptions,
} from '../../infra/elasticsearch/client.ts'
import { ELASTICSEARCH_LIMITS } from '../../infra/elasticsearch/config.ts'
import { indexError } from '../../infra/elasticsearch/errors.ts'

const clock: Clock = { now: () => 0, monotonic: () => 0, sleep: async () => {} }

/** Answers each item with what `statusOf` says of its id and how often it came. */
function fakeServer(statusOf: (id: string, times: number) => number) {
  const requests: string[][] = []
  const times = new Map<string, number>()
  const client: ElasticsearchClient = {
    async request<T>(_method: string, _path: string, { lines = [] }: RequestOptions = {}) {
      const ids = lines.map((line) => {
        const head = JSON.parse(line.split('\n')[0] as string)
        return String(Object.values<{ _id: string }>(head)[0]?._id)
      })
      requests.push(ids)
      const items = ids.map((id) => {
        times.set(id, (times.get(id) ?? 0) + 1)
        const status = statusOf(id, times.get(id) as number)
        const error = { type: 'document_parsing_exception', reason: `cannot map ${id}` }
        return { create: status < 300 ? { status } : { status, error } }
      })
      return { items } as T
    },
    close: async () => {},
  }
  return { client, requests }
}

const write = (id: string): Write => ({ action: 'create', meta: { _id: id }, document: { id } })

test('outcomes stand in the order of the writes', async () => {
  const statuses: Record<string, number> = { a: 201, b: 409, c: 404, d: 400 }
  const { client } = fakeServer((id) => statuses[id] as number)
  const outcomes = await bulkWrite(client, 'alias', ['d', 'a', 'c', 'b'].map(write), clock)
  const refused = 'document_parsing_exception: cannot map d'
  assert.deepEqual(outcomes, [{ refused }, 'done', 'missing', 'conflict'])
})

test('only what was turned away is sent again', async () => {
  const { client, requests } = fakeServer((id, times) => (id === 'b' && times < 3 ? 429 : 200))
  assert.deepEqual(await bulkWrite(client, 'alias', ['a', 'b', 'c'].map(write), clock), [
    'done',
    'done',
    'done',
  ])
  assert.deepEqual(requests, [['a', 'b', 'c'], ['b'], ['b']])
})

test('a server that stays busy is not there', async () => {
  const { client, requests } = fakeServer(() => 429)
  await assert.rejects(bulkWrite(client, 'alias', [write('a')], clock), {
    code: 'INDEX_UNAVAILABLE',
  })
  assert.equal(requests.length, ELASTICSEARCH_LIMITS.bulkTries)
})

test('what speaks against the server and not against a document is a failure', async () => {
  const { client } = fakeServer(() => 403)
  await assert.rejects(bulkWrite(client, 'alias', [write('a')], clock), { code: 'INDEX_FAILED' })
})

test('a request that is refused whole is sent in halves, until it is known for which document', async () => {
  const { client, requests } = fakeServer(() => 200)
  const picky: ElasticsearchClient = {
    ...client,
    async request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
      if (!options.lines?.some((line) => line.includes('large'))) {
        return client.request<T>(method, path, options)
      }
      const cause = Object.assign(new Error('too large'), { statusCode: 413 })
      throw indexError(cause)
    },
  }
  const ids = ['a', 'b', 'large', 'c', 'd', 'e', 'f']
  const outcomes = await bulkWrite(picky, 'alias', ids.map(write), clock)
  assert.deepEqual(
    outcomes.map((outcome) => (typeof outcome === 'object' ? 'refused' : outcome)),
    ids.map((id) => (id === 'large' ? 'refused' : 'done')),
  )
  assert.deepEqual(requests, [['a', 'b'], ['c'], ['d', 'e', 'f']])
})

test('a request holds so many documents at most, and so many bytes', async () => {
  const { client, requests } = fakeServer(() => 200)
  const { bulkBytes, bulkDocuments } = ELASTICSEARCH_LIMITS
  const many = Array.from({ length: bulkDocuments + 1 }, (_, i) => write(String(i)))
  await bulkWrite(client, 'alias', many, clock)
  const large = { ...write('x'), document: 'y'.repeat(bulkBytes / 2) }
  await bulkWrite(client, 'alias', [large, large, large], clock)
  assert.deepEqual(
    requests.map(({ length }) => length),
    [bulkDocuments, 1, 1, 1, 1],
  )
  assert.deepEqual(await bulkWrite(client, 'alias', [], clock), [])
})
