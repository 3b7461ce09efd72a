// The Universal Recommender's own integration test, through our query server: its events, its engine.json and its 28
// queries, the three malformed bodies as they were. `queries.jsonl` holds what the old stack answered, with the statistics
// of five shards each for itself; `expected-global.jsonl` and `expected-bm25.jsonl` what reference programs answer with
// global statistics, by idf and as Elasticsearch 7 computes.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { Clock } from '#ports/clock'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import type { JsonObject } from '#schemas/json'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import {
  createServingFixture,
  type Reply,
  type ServingFixture,
  type ToldEvent,
} from '../support/serving-fixture.ts'
import { type TrainingEvent, train } from '../support/training.ts'

const folder = new URL('../fixtures/ur-handmade/', import.meta.url)

function lines<T>(file: string): T[] {
  return readFileSync(new URL(file, folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

interface Case {
  readonly id: string
  readonly title: string
  readonly query: JsonObject
  /** The original body, where it is no JSON. */
  readonly raw?: string
  readonly expected: { readonly itemScores: readonly { item: string; score: number }[] }
  /** Items of one group have equal scores and ranks: any order is right within it. */
  readonly groups: readonly { readonly start: number; readonly items: readonly string[] }[]
}

const ENGINE = 'handmade-universal'
/** Dates in the data are relative to this instant. */
const IMPORTED = Date.parse('2025-01-01T00:00:00.000Z')
const clock: Clock = { ...systemClock, now: () => IMPORTED + 1_000 }

type Scoring = 'global' | 'es5' | 'es7'

async function open(scoring: Scoring): Promise<ServingFixture> {
  const index = createItemIndex({ telemetry: silentTelemetry })
  const fixture = await createServingFixture({ clock, index })
  const variant = JSON.parse(readFileSync(new URL('engine.json', folder), 'utf8'))
  variant.algorithms[0].params.scoring = scoring
  const events = lines<ToldEvent & TrainingEvent>('events.jsonl')
  const { model } = await train(events, variant)
  await fixture.register(ENGINE, variant)
  await fixture.activate(ENGINE, 'v1', model)
  await fixture.tell(events)
  return fixture
}

/** Positions at which an answer has an item of another tie group, or too few or many items. */
function misplaced({ query, expected, groups }: Case, { items }: Reply): string[] {
  const from = typeof query.from === 'number' ? query.from : 0
  const wrong = items.filter((item, i) => {
    const group = groups.find(
      ({ start, items: tied }) => start <= from + i && from + i < start + tied.length,
    )
    return !group?.items.includes(item)
  })
  return items.length === expected.itemScores.length ? wrong : [...wrong, `${items.length} items`]
}

const TARGETS: readonly { scoring: Scoring; file: string; title: string }[] = [
  { scoring: 'global', file: 'expected-global.jsonl', title: 'global statistics' },
  { scoring: 'es5', file: 'queries.jsonl', title: 'five shards, as published' },
  { scoring: 'es7', file: 'expected-bm25.jsonl', title: 'BM25 in one shard' },
]

for (const { scoring, file, title } of TARGETS) {
  describe(`${title} (${scoring}): order, and scores to the bit`, () => {
    let fixture: ServingFixture
    before(async () => {
      fixture = await open(scoring)
    })
    after(() => fixture.close())

    const cases = lines<Case>(file)
    test('28 queries', () => assert.equal(cases.length, 28))
    for (const one of cases) {
      test(`${one.id} ${one.title}`, async () => {
        const reply = await fixture.query(one.raw ?? one.query)
        assert.equal(reply.status, 200, reply.text)
        assert.deepEqual(misplaced(one, reply), [], reply.text)
        for (const [i, { score }] of one.expected.itemScores.entries()) {
          assert.equal(Math.fround(reply.json.itemScores[i]?.score ?? -1), Math.fround(score))
        }
      })
    }
  })
}

describe('global statistics', () => {
  let fixture: ServingFixture
  before(async () => {
    fixture = await open('global')
  })
  after(() => fixture.close())

  test('give the published order, but for the one query where five shards overtake one', async () => {
    const different: string[] = []
    for (const one of lines<Case>('queries.jsonl')) {
      const reply = await fixture.query(one.raw ?? one.query)
      if (misplaced(one, reply).length > 0) different.push(one.id)
    }
    assert.deepEqual(different, ['q06'])
  })

  test('scores are printed as the old engine printed them: the shortest float32', async () => {
    const { text } = await fixture.query({ user: 'u1' })
    assert.equal(
      text,
      '{"itemScores":[{"item":"Nexus","score":0.105360515},{"item":"Surface","score":0.0}]}',
    )
  })
})

test('five shards: ties in the order of the old engine, by shard', async (t) => {
  const fixture = await open('es5')
  t.after(() => fixture.close())
  const order = async (query: JsonObject): Promise<readonly string[]> =>
    (await fixture.query(query)).items
  assert.deepEqual(await order({ num: 10 }), [
    'Galaxy',
    'Iphone 4',
    'Nexus',
    'Ipad-retina',
    'Surface',
  ])
  const explained = await fixture.query({ user: 'U 2', num: 1, explain: true })
  const [first] = explained.json.itemScores
  const evidence = first?.explanation?.evidence ?? []
  const sum = evidence.reduce((all, { weight }) => all + weight, 0)
  assert.ok(Math.abs(sum - (first?.score ?? 0)) < 1e-6 && sum > 0, explained.text)
})
