// A search as a sequence of requests: one nearly always, more where scores have to be computed anew, and less evidence than
// was asked for when there is too much. The server is a function that orders hits as Elasticsearch would.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ScoredQuery } from '#schemas/query'
import type { SearchHit } from '../../infra/elasticsearch/answer.ts'
import type { ElasticsearchClient, RequestOptions } from '../../infra/elasticsearch/client.ts'
import { ELASTICSEARCH_LIMITS } from '../../infra/elasticsearch/config.ts'
import { searchVersion } from '../../infra/elasticsearch/search.ts'
import { createStatistics } from '../../infra/elasticsearch/statistics.ts'
import type { VersionIndex } from '../../infra/elasticsearch/versions.ts'
import { ruleName, SUM_NAME } from '../../infra/elasticsearch/weighted-query.ts'
import { clause, scoredQuery, VERSION } from '../support/item-index-fixture.ts'
import { createRandom } from '../support/random.ts'

const { fround } = Math

const INDEX: VersionIndex = {
  name: 'test.version.shop.1',
  meta: { version: VERSION, indicators: ['buy'], rankings: [], clears: 0, startedAt: 0 },
  isOpen: true,
}

interface Body {
  readonly from: number
  readonly size: number
  readonly query: unknown
}

function ask(hits: readonly SearchHit[], query: Partial<ScoredQuery>) {
  const bodies: Body[] = []
  const client: ElasticsearchClient = {
    async request<T>(_method: string, _path: string, { body }: RequestOptions = {}) {
      const { from, size } = body as Body
      bodies.push(body as Body)
      return { hits: { hits: hits.slice(from, from + size) } } as T
    },
    close: async () => {},
  }
  const deps = { client, statistics: createStatistics(client, () => 0) }
  const answer = searchVersion(deps, INDEX, scoredQuery({ rankings: [], ...query }))
  return { answer, bodies }
}

interface Scored {
  readonly item: string
  readonly score: number
}

const byScore = (a: Scored, b: Scored): number => b.score - a.score || (a.item < b.item ? -1 : 1)

/** Items whose sums are so close that a factor of the wrong rounding changes their order. */
function closeItems(count: number, step: number) {
  const random = createRandom(5)
  return Array.from({ length: count }, (_, i) => ({
    item: `item ${String(random.below(1e6)).padStart(6, '0')} ${i}`,
    sum: fround(1.9 + i * step * 2 ** -23),
    matches: random.chance(0.9),
  }))
}

/** Below 1, so that neighbouring sums get equal scores: under one rounding of the factor others than under the other. */
const BIAS = 0.7
const RULES = [{ field: 'color', values: ['red'], bias: BIAS }]

/** As Elasticsearch scores and orders: the factor is a float32. */
function inServer(items: ReturnType<typeof closeItems>): SearchHit[] {
  return items
    .map((one) => ({ ...one, score: fround(one.sum * (one.matches ? fround(BIAS) : 1)) }))
    .sort(byScore)
    .map(({ item, sum, matches, score }) => ({
      sort: [score, item],
      matched_queries: { [SUM_NAME]: sum, ...(matches && { [ruleName(0)]: 0.5 }) },
    }))
}

describe('a bias that a float32 does not hold', () => {
  test('gives the scores and the order that it should', async () => {
    const items = closeItems(3_000, 1)
    const expected = items
      .map(({ item, matches, sum }) => ({ item, score: matches ? fround(sum * BIAS) : sum }))
      .sort(byScore)
    const hits = inServer(items)
    const orderOf = (list: readonly Scored[]): string[] => list.map(({ item }) => item)
    const asServed = hits.map(({ sort }) => ({ item: String(sort[1]), score: Number(sort[0]) }))
    assert.notDeepEqual(orderOf(asServed), orderOf(expected))
    for (const [from, num] of [
      [0, 20],
      [0, 1],
      [40, 20],
      [2_990, 20],
    ] as const) {
      const { answer } = ask(hits, { rules: RULES, from, num })
      const found = (await answer).hits.map(({ item, score }) => ({ item, score }))
      assert.deepEqual(found, expected.slice(from, from + num))
    }
  })

  test('one request is enough when scores are apart, and it asks for little more than the page', async () => {
    const { answer, bodies } = ask(inServer(closeItems(500, 100)), { rules: RULES, num: 20 })
    assert.equal((await answer).hits.length, 20)
    assert.deepEqual(
      bodies.map(({ size }) => size),
      [40],
    )
  })

  test('equal scores without end are looked at up to the window', async () => {
    const equal = closeItems(20_000, 0).map((one) => ({ ...one, matches: true }))
    const { answer, bodies } = ask(inServer(equal), { rules: RULES, num: 20 })
    assert.equal((await answer).hits.length, 20)
    assert.equal(bodies.at(-1)?.size, ELASTICSEARCH_LIMITS.window)
  })
})

describe('more evidence than one query may hold', () => {
  const ids = Array.from({ length: 9_000 }, (_, i) => `id ${i}`)
  const termsOf = (query: unknown): number => JSON.stringify(query).split('"0=').length - 1

  test('is cut at the end of each clause, and the answer says so', async () => {
    const evidence = [clause('buy', ids), clause('buy', ids.slice(0, 10), { source: 'itemSet' })]
    const { answer, bodies } = ask([], { evidence })
    assert.deepEqual((await answer).degraded, ['evidence'])
    const terms = termsOf(bodies[0]?.query)
    assert.ok(terms > 500 && terms <= ELASTICSEARCH_LIMITS.clauses, String(terms))
  })

  test('what fits is asked for whole', async () => {
    const { answer, bodies } = ask([], { evidence: [clause('buy', ids.slice(0, 1_000))] })
    assert.deepEqual((await answer).degraded, [])
    assert.equal(termsOf(bodies[0]?.query), 1_000)
  })
})

test('an empty page asks nothing', async () => {
  const { answer, bodies } = ask([], { num: 0 })
  assert.deepEqual(await answer, { hits: [], degraded: [] })
  assert.equal(bodies.length, 0)
})
