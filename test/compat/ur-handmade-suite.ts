// The Universal Recommender's own integration test, through our query server: its events, its engine.json and its 28
// queries, the three malformed bodies as they were. `queries.jsonl` holds what the old stack answered, with the statistics
// of five shards each for itself; `expected-global.jsonl` and `expected-bm25.jsonl` what reference programs answer with
// global statistics, by idf and as Elasticsearch 7 computes.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Clock } from '#ports/clock'
import { systemClock } from '#ports/clock'
import type { JsonObject } from '#schemas/json'
import type { CreateItemIndex } from '../support/item-index-fixture.ts'
import {
  createServingFixture,
  type ServingFixture,
  type ToldEvent,
} from '../support/serving-fixture.ts'
import { type TrainingEvent, train } from '../support/training.ts'
import {
  faultOf,
  type HandmadeCase,
  handmadeEngine,
  handmadeLines,
  IMPORTED,
  misplaced,
  type OldScoring,
  TARGETS,
} from '../support/ur-handmade-cases.ts'

const ENGINE = 'handmade-universal'
const clock: Clock = { ...systemClock, now: () => IMPORTED + 1_000 }

async function openWith(create: CreateItemIndex, scoring: OldScoring): Promise<ServingFixture> {
  const index = await create()
  const fixture = await createServingFixture({ clock, index })
  const variant = handmadeEngine(scoring)
  const events = handmadeLines<ToldEvent & TrainingEvent>('events.jsonl')
  const { model } = await train(events, variant)
  await fixture.register(ENGINE, variant)
  await fixture.activate(ENGINE, 'v1', model)
  await fixture.tell(events)
  return fixture
}

/** Every item index answers so. */
export function handmadeSuite(create: CreateItemIndex): void {
  const open = (scoring: OldScoring): Promise<ServingFixture> => openWith(create, scoring)
  for (const { scoring, file, title } of TARGETS) {
    describe(`${title} (${scoring}): order, and scores to the bit`, () => {
      let fixture: ServingFixture
      before(async () => {
        fixture = await open(scoring)
      })
      after(() => fixture.close())

      const cases = handmadeLines<HandmadeCase>(file)
      test('28 queries', () => assert.equal(cases.length, 28))
      for (const one of cases) {
        test(`${one.id} ${one.title}`, async () => {
          const reply = await fixture.query(one.raw ?? one.query)
          assert.equal(reply.status, 200, reply.text)
          assert.equal(faultOf(one, reply.json.itemScores), null)
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
      for (const one of handmadeLines<HandmadeCase>('queries.jsonl')) {
        const reply = await fixture.query(one.raw ?? one.query)
        if (misplaced(one, reply.items).length > 0) different.push(one.id)
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
}
