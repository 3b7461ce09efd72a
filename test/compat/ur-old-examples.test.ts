// Two more tests that came with the Universal Recommender: items that go with a set, and rankings of every kind. What was
// published for them was computed by Elasticsearch 1; of that hold which items have a score, and the order of all others.
// The scores here are what five shards of Elasticsearch 5 make of the same model, reckoned apart from our own.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Clock } from '#ports/clock'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import type { JsonObject } from '#schemas/json'
import type { Model } from '#schemas/model'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import {
  createServingFixture,
  type ServingFixture,
  type ToldEvent,
} from '../support/serving-fixture.ts'
import { listsOf, train, variantOf } from '../support/training.ts'

const DAY = 86_400_000
const IMPORTED = Date.parse('2025-01-01T00:00:00.000Z')
const clock: Clock = { ...systemClock, now: () => IMPORTED + 1_000 }
const at = (days: number): string => new Date(IMPORTED + days * DAY).toISOString()

interface Example {
  readonly fixture: ServingFixture
  readonly model: Model
}

async function open(events: readonly ToldEvent[], params: JsonObject): Promise<Example> {
  const index = createItemIndex({ telemetry: silentTelemetry })
  const fixture = await createServingFixture({ clock, index })
  const variant = variantOf({ scoring: 'es5', ...params })
  const { model } = await train(events, variant, undefined, clock.now())
  await fixture.register('example', variant)
  await fixture.activate('example', 'v1', model)
  await fixture.tell(events)
  return { fixture, model }
}

/** Each line of an import is 0.8 days older than the one before. */
const dated = (line: number): string => at(-0.8 * line)

type Scores = readonly (readonly [item: string, score: number])[]

/** Items with a score, the best first; equal ones by their ids. */
async function scoresOf({ fixture }: Example, query: JsonObject): Promise<Scores> {
  const { json, status, text } = await fixture.query(query)
  assert.equal(status, 200, text)
  return json.itemScores
    .filter(({ score }) => score > 0)
    .map(({ item, score }) => [item, Math.round(score * 1e5) / 1e5] as const)
    .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
}

const rounded = (scores: Scores): Scores =>
  scores
    .map(([item, score]) => [item, Math.round(score * 1e5) / 1e5] as const)
    .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))

describe('items that go with a set', () => {
  const CARTS: readonly (readonly [cart: number, ...items: string[]])[] = [
    [1, 'iPhone 6', 'iPhone 6 charging cradle', 'iPhone earbuds', 'iPhone 6 case'],
    [2, 'Nexus 6p', 'Nexus 6p case'],
    [7, 'Nexus 6p', 'USB type-C cable', 'Nexus 6p case'],
    [3, 'iPhone 7', 'AirPods'],
    [4, 'iPhone 7', 'AirPods'],
    [5, 'iPhone 7', 'AirPods'],
    [6, 'iPhone 6', 'iPhone 6 case'],
    [8, 'Nexus 6p', 'Nexus 6p case', 'USB type-C cable'],
  ]
  const events = CARTS.flatMap(([cart, ...items]) =>
    items.map((item) => [cart, item] as const),
  ).map(
    ([cart, item], line): ToldEvent => ({
      event: 'purchase',
      entityType: 'user',
      entityId: `shopping-cart-${cart}`,
      targetEntityType: 'item',
      targetEntityId: item,
      eventTime: dated(line),
    }),
  )
  let example: Example
  before(async () => {
    example = await open(events, {
      eventNames: ['purchase'],
      recsModel: 'collabFiltering',
      num: 4,
    })
  })
  after(() => example.fixture.close())

  test('what was bought together is correlated', () => {
    const lists = listsOf(example.model)
    const ids = (item: string) => lists[item]?.purchase?.map(([id]) => id).sort()
    const phone = ['iPhone 6', 'iPhone 6 case', 'iPhone 6 charging cradle', 'iPhone earbuds']
    for (const item of phone)
      assert.deepEqual(
        ids(item),
        phone.filter((other) => other !== item),
      )
    assert.deepEqual(ids('AirPods'), ['iPhone 7'])
    assert.deepEqual(ids('USB type-C cable'), ['Nexus 6p', 'Nexus 6p case'])
  })

  const EXPECTED: readonly (readonly [set: readonly string[], scores: Scores])[] = [
    [
      ['iPhone 6'],
      [
        ['iPhone 6 case', Math.LN2],
        ['iPhone 6 charging cradle', Math.LN2],
        ['iPhone earbuds', 0.2876821],
      ],
    ],
    [['iPhone 7'], [['AirPods', 1.2039728]]],
    [['iPhone 6p'], []],
    [['AirPods'], [['iPhone 7', 0.2876821]]],
    [
      ['USB type-C cable'],
      [
        ['Nexus 6p', 1.2039728],
        ['Nexus 6p case', 0.9808293],
      ],
    ],
    [
      ['iPhone 6 charging cradle'],
      [
        ['iPhone 6 case', 1.2039728],
        ['iPhone 6', 0.9808293],
        ['iPhone earbuds', 0.2876821],
      ],
    ],
    [
      ['iPhone earbuds', 'iPhone 6 case'],
      [
        ['iPhone 6', 1.9616585],
        ['iPhone 6 charging cradle', 1.89712],
      ],
    ],
  ]
  for (const [itemSet, scores] of EXPECTED) {
    test(itemSet.join(' and '), async () => {
      assert.deepEqual(await scoresOf(example, { itemSet: [...itemSet] }), rounded(scores))
    })
  }
})

describe('rankings of every kind', () => {
  const did = (user: number, event: string, item: number) => ({
    event,
    entityType: 'user',
    entityId: `user-${user}`,
    targetEntityType: 'item',
    targetEntityId: `product-${item}`,
  })
  const set = (item: number, properties: JsonObject) => ({
    event: '$set',
    entityType: 'item',
    entityId: `product-${item}`,
    properties,
  })
  const COLORS = [
    ['red', 'black'],
    ['green', 'black'],
  ] as const
  const RANKS = [1.0, 2.7, 3.2, 4.7, 5.0, 6.9, 7.15, 8.07]
  const SIZES: readonly (readonly [item: number, sizes: string[]])[] = [
    [1, ['S', 'M']],
    [2, ['SX', 'XL']],
    [3, ['XL', 'X']],
    [4, ['X', 'XL', 'S']],
    [5, ['M', 'S', 'XS']],
    [9, ['M', 'S', 'XS']],
  ]
  const lines = [
    ...[1, 2, 3, 4].map((n) => did(n, 'show', n)),
    ...[1, 2, 3, 4].map((n) => did(n, 'like', 5 - n)),
    ...[1, 2, 3, 4].map((n) => set(n, { color: [...(COLORS[(n - 1) % 2] ?? [])] })),
    did(1, 'show', 4),
    did(2, 'show', 3),
    did(3, 'like', 3),
    did(4, 'like', 4),
    ...RANKS.map((defaultRank, i) => set(i + 1, { defaultRank })),
    did(1, 'like', 3),
    did(4, 'like', 6),
    did(2, 'show', 3),
    did(3, 'show', 4),
    did(4, 'show', 5),
    ...SIZES.map(([item, size]) => set(item, { size })),
  ]
  const events = [
    ...lines.map((line, n): ToldEvent => ({ ...line, eventTime: dated(n) })),
    ...[9, 8, 7, 6, 5, 4, 3, 2, 1].map((item, j): ToldEvent => {
      const days = -2.4 + 0.8 * j
      const dates = { date: at(days), available: at(days - 2), expires: at(days + 2) }
      return { ...set(item, dates), eventTime: at(0) }
    }),
  ]
  const rankings = [
    { name: 'popularRank', type: 'popular', eventNames: ['show', 'like'], duration: '3650 days' },
    { name: 'defaultRank', type: 'userDefined' },
    { name: 'uniqueRank', type: 'random' },
  ]
  let example: Example
  before(async () => {
    example = await open(events, { eventNames: ['show', 'like'], num: 20, rankings })
  })
  after(() => example.fixture.close())

  test('the lists, as reckoned by hand', () => {
    const lists = listsOf(example.model)
    const ids = (item: number, event: string) =>
      lists[`product-${item}`]?.[event]?.map(([id]) => Number(id.slice(8))).sort()
    const show = [1, 2, 3, 4, 5].map((item) => ids(item, 'show'))
    assert.deepEqual(show, [[4], [3], [2, 4], [1, 3, 5], [4]])
    const like = [1, 2, 3, 4, 5].map((item) => ids(item, 'like'))
    assert.deepEqual(like, [[3, 4], [3], [2, 3], [1, 2, 3, 4, 6], [1, 4, 6]])
  })

  /** Where nothing is known: by popularity, then by the ranks that were set; product-9 has neither. */
  const ORDER = [3, 4, 2, 1, 6, 5, 8, 7, 9]
  const rule = (name: string, value: string, bias: number) => ({ name, values: [value], bias })
  const around = { name: 'date', after: at(-1), before: at(1) }

  /** What has a score; of the rest who is left out. */
  const EXPECTED: readonly (readonly [
    query: JsonObject,
    scores: [number, number][],
    out: number[],
  ])[] = [
    [
      { user: 'user-1' },
      [
        [3, 0.57536],
        [5, 0.57536],
        [2, 0.13353],
      ],
      [1, 4],
    ],
    [
      { user: 'user-2' },
      [
        [4, 0.60354],
        [1, 0.13353],
      ],
      [2, 3],
    ],
    [
      { user: 'user-3' },
      [
        [1, 1.11436],
        [2, 0.60354],
        [5, 0.28768],
      ],
      [3, 4],
    ],
    [
      { user: 'user-4' },
      [
        [1, 1.45083],
        [3, 0.28768],
      ],
      [4, 5],
    ],
    [{ user: 'user-5' }, [], []],
    [
      { item: 'product-1' },
      [
        [4, 0.60354],
        [3, 0.57536],
        [5, 0.57536],
        [2, 0.13353],
      ],
      [1],
    ],
    [
      { item: 'product-2' },
      [
        [4, 0.60354],
        [3, 0.28768],
        [1, 0.13353],
      ],
      [2],
    ],
    [
      { item: 'product-3' },
      [
        [4, 1.11436],
        [1, 1.11436],
        [5, 0.28768],
        [2, 0.13353],
      ],
      [3],
    ],
    [
      { item: 'product-4' },
      [
        [5, 0.86305],
        [2, 0.60354],
        [1, 0.60354],
        [3, 0.57536],
      ],
      [4],
    ],
    [
      { item: 'product-5' },
      [
        [4, 2.43166],
        [1, 1.45083],
        [3, 0.28768],
      ],
      [5],
    ],
    [{}, [], []],
    [{ user: 'xyz' }, [], []],
    [{ item: 'xyz' }, [], []],
    [{ fields: [rule('color', 'red', -1)] }, [], [2, 4, 5, 6, 7, 8, 9]],
    [
      { fields: [rule('color', 'green', 1.05)] },
      [
        [4, 0.4935],
        [2, 0.4935],
      ],
      [],
    ],
    [
      { fields: [rule('color', 'red', 1.05), rule('size', 'S', -1)] },
      [[1, 1.02987]],
      [2, 3, 6, 7, 8],
    ],
    [{ user: 'user-1', dateRange: around }, [[5, 0.57536]], [1, 2, 3, 4, 8, 9]],
    [
      { user: 'user-1', item: 'product-1' },
      [
        [3, 1.15073],
        [5, 1.15073],
        [2, 0.26706],
      ],
      [1, 4],
    ],
  ]
  for (const [i, [query, scores, out]] of EXPECTED.entries()) {
    test(`${i + 1} ${JSON.stringify(query)}`, async () => {
      const wanted = scores.map(([item, score]) => [`product-${item}`, score] as const)
      assert.deepEqual(await scoresOf(example, query), rounded(wanted))
      const scored = scores.map(([item]) => item)
      const rest = ORDER.filter((item) => !scored.includes(item) && !out.includes(item))
      const { items } = await example.fixture.query(query)
      assert.deepEqual(
        items.map((item) => Number(item.slice(8))),
        [...scored, ...rest],
      )
    })
  }
})
