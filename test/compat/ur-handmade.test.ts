// The Universal Recommender's own integration test, through our query server: its events, its engine.json and its 28
// queries, the three malformed bodies as they were. `expected-global.jsonl` holds what a reference program answers with
// global statistics; `queries.jsonl` what the old stack answered with statistics of five shards: there the order holds for
// all but one.
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

let fixture: ServingFixture

before(async () => {
  const index = createItemIndex({ telemetry: silentTelemetry })
  fixture = await createServingFixture({ clock, index })
  const variant = JSON.parse(readFileSync(new URL('engine.json', folder), 'utf8'))
  variant.algorithms[0].params.scoring = 'global'
  const events = lines<ToldEvent & TrainingEvent>('events.jsonl')
  const { model } = await train(events, variant)
  await fixture.register(ENGINE, variant)
  await fixture.activate(ENGINE, 'v1', model)
  await fixture.tell(events)
})

after(() => fixture.close())

const ask = ({ query, raw }: Case): Promise<Reply> => fixture.query(raw ?? query)

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

describe('answers with global statistics, scores too', () => {
  for (const one of lines<Case>('expected-global.jsonl')) {
    test(`${one.id} ${one.title}`, async () => {
      const reply = await ask(one)
      assert.equal(reply.status, 200, reply.text)
      assert.deepEqual(misplaced(one, reply), [], reply.text)
      for (const [i, { score }] of one.expected.itemScores.entries()) {
        assert.equal(Math.fround(reply.json.itemScores[i]?.score ?? -1), Math.fround(score))
      }
    })
  }
})

test('the published order, but for the one query where five shards overtake one', async () => {
  const different: string[] = []
  const cases = lines<Case>('queries.jsonl')
  for (const one of cases) {
    if (misplaced(one, await ask(one)).length > 0) different.push(one.id)
  }
  assert.equal(cases.length, 28)
  assert.deepEqual(different, ['q06'])
})

test('scores are printed as the old engine printed them: the shortest float32', async () => {
  const { text } = await fixture.query({ user: 'u1' })
  assert.equal(
    text,
    '{"itemScores":[{"item":"Nexus","score":0.105360515},{"item":"Surface","score":0.0}]}',
  )
})
