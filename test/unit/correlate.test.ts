// Lists of the universal engine: against a naive reference, and what must not change them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { MillraceError } from '#ports/errors'
import type { JsonObject } from '#schemas/json'
import { logLikelihoodRatio, occursMoreThanChance, roundWeight } from '#schemas/numerics'
import { TopList } from '../../batch/algorithms/top-list.ts'
import { did, listsOf, type TrainingEvent, train, variantOf } from '../support/training.ts'

type Lists = Record<string, Record<string, [string, number][]>>

const shop = (params = {}) =>
  variantOf({ indicators: [{ name: 'buy' }, { name: 'view' }], ...params })

/** Distinct (user → items) of one event name; users with a purchase only. */
function sets(events: readonly TrainingEvent[], name: string): Map<string, Set<string>> {
  const users = new Map<string, Set<string>>()
  for (const e of events) if (e.event === 'buy') users.set(e.entityId, new Set())
  for (const e of events) {
    if (e.event === name) users.get(e.entityId)?.add(e.targetEntityId as string)
  }
  return users
}

/** The formulas of the documentation, one pair after the other. */
function naive(events: readonly TrainingEvent[], weights: 'acos' | 'llr', keep: number): Lists {
  const primary = sets(events, 'buy')
  const items = [...new Set([...primary.values()].flatMap((set) => [...set]))].sort()
  const lists: Lists = Object.fromEntries(items.map((item) => [item, {}]))
  for (const name of ['buy', 'view']) {
    const other = sets(events, name)
    const ids = [...new Set([...other.values()].flatMap((set) => [...set]))].sort()
    const users = [...primary.keys()]
    const size = (set?: Set<string>): number => Math.max(1, set?.size ?? 0)
    const raw = users.map((u) => (size(primary.get(u)) * size(other.get(u))) ** -0.25)
    const mean = raw.reduce((a, b) => a + b, 0) / users.length
    const total = (chosen: (user: string) => boolean | undefined): number =>
      users.reduce((sum, u, i) => (chosen(u) ? sum + (raw[i] as number) / mean : sum), 0)
    const count = (chosen: (user: string) => boolean | undefined): number =>
      users.filter((u) => chosen(u)).length
    for (const a of items) {
      const found: [string, number][] = []
      for (const b of ids) {
        if (name === 'buy' && a === b) continue
        const hasA = (u: string) => primary.get(u)?.has(a)
        const hasB = (u: string) => other.get(u)?.has(b)
        const both = (u: string) => hasA(u) && hasB(u)
        const value =
          weights === 'acos'
            ? total(both) / ((total(hasB) + 20) ** 0.8 * (total(hasA) + 20) ** 0.2)
            : occursMoreThanChance(count(both), count(hasA), count(hasB), users.length)
              ? logLikelihoodRatio(count(both), count(hasA), count(hasB), users.length)
              : 0
        if (value > 1e-8) found.push([b, weights === 'acos' ? value : Math.sqrt(value)])
      }
      found.sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1))
      const list = lists[a]
      if (found.length > 0 && list) list[name] = found.slice(0, keep)
    }
  }
  return lists
}

const ids = (prefix: string, n: number) =>
  fc.integer({ min: 0, max: n - 1 }).map((i) => `${prefix}${i}`)
const someEvents = fc.array(
  fc
    .tuple(
      ids('u', 12),
      fc.constantFrom('buy', 'view'),
      ids('i', 9),
      fc.integer({ min: 0, max: 99 }),
    )
    .map(([user, event, item, minute]) => did(user, event, item, minute)),
  { minLength: 1, maxLength: 150 },
)
const withPurchase = someEvents.map((events) => [did('u0', 'buy', 'i0'), ...events])

for (const weights of ['acos', 'llr'] as const) {
  test(`${weights}: as the formulas say, pair by pair`, async () => {
    await fc.assert(
      fc.asyncProperty(withPurchase, async (events) => {
        const { model } = await train(events, shop({ weights }))
        const expected = naive(events, weights, 50)
        const found = listsOf(model)
        assert.deepEqual(Object.keys(found), Object.keys(expected))
        for (const [item, lists] of Object.entries(found)) {
          for (const name of ['buy', 'view']) {
            const wanted = new Map(expected[item]?.[name] ?? [])
            const list = lists[name] ?? []
            assert.equal(list.length, wanted.size, `${item} ${name}`)
            for (const [id, weight] of list) {
              // Integers for the users' weights, then 8 bits behind the leading one.
              const exact = wanted.get(id) ?? Number.NaN
              assert.ok(Math.abs(weight - exact) <= exact / 120, `${item} ${id} ${weight} ${exact}`)
            }
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test(`${weights}: neither the order of events nor repeats of one change the model`, async () => {
    await fc.assert(
      fc.asyncProperty(
        withPurchase.chain((events) =>
          fc.tuple(
            fc.constant(events),
            fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
          ),
        ),
        fc.integer({ min: 1, max: 4 }),
        async ([events, shuffled], limit) => {
          const indicators = [
            { name: 'buy', maxItemsPerUser: limit, maxCorrelatorsPerItem: 3 },
            { name: 'view', maxItemsPerUser: limit },
          ]
          const variant = variantOf({ indicators, weights })
          const { model } = await train(events, variant)
          assert.deepEqual((await train(shuffled, variant)).model, model)
          const twice = await train([...events, ...shuffled], variant)
          assert.deepEqual(listsOf(twice.model), listsOf(model))
        },
      ),
      { numRuns: 60 },
    )
  })
}

test('other names of users change nothing; other names of items only the names', async () => {
  const events = [0, 1, 2, 3, 4, 5].flatMap((u) => [
    did(`u${u}`, 'buy', `i${u % 3}`),
    did(`u${u}`, 'buy', `i${(u % 3) + 1}`),
    did(`u${u}`, 'view', `i${u % 4}`),
  ])
  const { model } = await train(events, shop())
  const renamedUsers = events.map((e) => ({ ...e, entityId: `other ${9 - Number(e.entityId[1])}` }))
  assert.deepEqual((await train(renamedUsers, shop())).model, model)
  const prefixed = events.map((e) => ({ ...e, targetEntityId: `shop/${e.targetEntityId}` }))
  const renamed = (await train(prefixed, shop())).model
  assert.deepEqual(
    renamed.items,
    model.items.map((item) => `shop/${item}`),
  )
  assert.deepEqual(renamed.indicators[0]?.weight, model.indicators[0]?.weight)
  assert.deepEqual(renamed.indicators[0]?.term, model.indicators[0]?.term)
})

test('of a user with too many items the newest stay, equal times by id', async () => {
  const indicators = [{ name: 'buy', maxItemsPerUser: 2 }]
  const events = [
    did('u1', 'buy', 'old', 1),
    did('u1', 'buy', 'b', 5),
    did('u1', 'buy', 'c', 5),
    did('u1', 'buy', 'a', 5),
    did('u2', 'buy', 'a', 1),
    did('u2', 'buy', 'b', 2),
  ]
  const kept = listsOf((await train(events, variantOf({ indicators }))).model)
  assert.deepEqual(kept.old, {})
  assert.deepEqual(kept.c, {})
  assert.deepEqual(
    kept.a?.buy?.map(([id]) => id),
    ['b'],
  )
  // A repeat counts at its newest time.
  const again = [...events, did('u1', 'buy', 'old', 6)]
  const after = listsOf((await train(again, variantOf({ indicators }))).model)
  assert.deepEqual(
    after.old?.buy?.map(([id]) => id),
    ['a'],
  )
})

test('only users with enough raw primary events count, for every indicator', async () => {
  const events = [
    did('u1', 'buy', 'a'),
    did('u1', 'buy', 'a'),
    did('u1', 'view', 'x'),
    did('u2', 'buy', 'b'),
    did('u2', 'view', 'y'),
    did('u3', 'view', 'z'),
  ]
  const variant = variantOf(
    { indicators: [{ name: 'buy' }, { name: 'view' }] },
    { minEventsPerUser: 2 },
  )
  const { model, counts } = await train(events, variant)
  assert.equal(counts.users, 1)
  assert.deepEqual(model.items, ['a', 'b'])
  assert.deepEqual(model.indicators[1]?.terms, ['x'])
})

test('the scoring of old: a user above the limit loses the whole row', async () => {
  const events: TrainingEvent[] = []
  for (const item of ['a', 'b', 'c']) events.push(did('many', 'buy', item))
  for (const user of ['u1', 'u2'])
    for (const item of ['a', 'b']) events.push(did(user, 'buy', item))
  events.push(did('u3', 'buy', 'd'))
  const variant = (maxItemsPerUser: number) =>
    variantOf({ scoring: 'global', indicators: [{ name: 'buy', maxItemsPerUser }] })
  const all = listsOf((await train(events, variant(3))).model)
  assert.deepEqual(
    all.c?.buy?.map(([id]) => id),
    ['a', 'b'],
  )
  const cut = listsOf((await train(events, variant(2))).model)
  assert.deepEqual(cut.c, {})
  assert.deepEqual(cut.a?.buy, [['b', 1]])
})

test('the scoring of old: cells of full columns are sampled by hash, the same each time', async () => {
  const events: TrainingEvent[] = []
  for (let user = 0; user < 400; user++) {
    events.push(did(`u${user}`, 'buy', 'everybody'), did(`u${user}`, 'view', `v${user % 40}`))
  }
  const variant = (seed: number) =>
    variantOf({
      seed,
      scoring: 'global',
      indicators: [{ name: 'buy', maxItemsPerUser: 100 }, { name: 'view' }],
    })
  const first = await train(events, variant(0))
  assert.deepEqual((await train([...events].reverse(), variant(0))).model, first.model)
  const cells = (first.counts.pairs ?? 0) - 400
  assert.ok(cells > 60 && cells < 140, `${cells} of 400 cells stayed, wanted about 100`)
  assert.notEqual((await train(events, variant(7))).counts.pairs, 0)
})

test('no primary event: the training says so', async () => {
  const refusal = async (events: readonly TrainingEvent[], source: JsonObject = {}) => {
    const of = train(events, variantOf({ eventNames: ['buy', 'view'] }, source))
    return of.then(
      () => assert.fail('it trained'),
      (error: MillraceError) => [error.code, error.message],
    )
  }
  const said = (why: string) => [
    'TRAINING_NO_EVENTS',
    `The app test has no buy events to train test on: ${why}.`,
  ]
  assert.deepEqual(await refusal([]), said('it has none that users did to items'))
  const seen = did('u1', 'view', 'a')
  assert.deepEqual(await refusal([seen, did('u', 'search', 'q')]), said('it has view, search'))
  assert.deepEqual(await refusal([seen, did('u', 'Buys', 'a')]), said('did you mean Buys'))
  const tooFew = { minEventsPerUser: 3 }
  const few = await refusal([did('u1', 'buy', 'a')], tooFew)
  assert.deepEqual(few, said('no user has 3 of them (minEventsPerUser)'))
})

test('an indicator without events is remarked on, with the nearest name that there is', async () => {
  const events = [did('u1', 'buy', 'a'), did('u1', 'view', 'a')]
  const { remarks } = await train(events, variantOf({ eventNames: ['buy', 'veiw', 'search'] }))
  assert.deepEqual(remarks, [
    'the indicator veiw has no events of users on items. Did you mean view?',
    'the indicator search has no events of users on items.',
  ])
  const rankings = [{ eventNames: ['buy', 'view', 'lik'] }, { type: 'random', eventNames: ['buy'] }]
  const ranked = await train(
    [...events, did('u', 'like', 'a')],
    variantOf({ eventNames: ['buy'], rankings }),
  )
  assert.deepEqual(ranked.remarks, [
    'the ranking popRank counts lik events; there are none. Did you mean like?',
  ])
})

test('rankings know items only: targets of the primary event, or entities with properties', async () => {
  const events: TrainingEvent[] = [
    did('u1', 'buy', 'a'),
    did('u1', 'view', 'a'),
    did('u1', 'view', 'phones'),
    did('u2', 'view', 'c'),
    { event: '$set', entityType: 'item', entityId: 'c', eventTime: '2025-01-01T00:00:00Z' },
    { ...did('u1', 'view', 'page'), targetEntityType: 'page' },
  ]
  const rankings = [{ name: 'viewRank', type: 'popular', eventNames: ['view'] }]
  const { model } = await train(events, shop({ rankings }))
  assert.deepEqual(model.items, ['a', 'c'])
  const old = await train(events, shop({ rankings, scoring: 'global' }))
  assert.deepEqual(old.model.items, ['a', 'c', 'page', 'phones'])
})

test('… targets of others than users too', async () => {
  const session = { ...did('s', 'buy', 'c'), entityType: 'session' }
  const { model } = await train([did('u1', 'buy', 'a'), session, session], shop())
  assert.deepEqual(
    [model.items, [...(model.rankings[0]?.values ?? [])]],
    [
      ['a', 'c'],
      [1, 2],
    ],
  )
})

test('a ranking counts events from its start to before its end', async () => {
  const events = [0, 59, 60, 119, 120].map((minute) => did('u1', 'buy', `m${minute}`, minute))
  const rankings = [
    { type: 'popular', name: 'hourRank', duration: '1 hour', offsetDate: '2025-01-01T02:00:00Z' },
  ]
  const { model } = await train(events, shop({ rankings }))
  const ranked = model.items.filter((_, i) => (model.rankings[0]?.values[i] ?? 0) > 0)
  assert.deepEqual(ranked, ['m119', 'm60'])
})

test('minLLR keeps what reaches it', async () => {
  const events = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((u) => [
    did(`u${u}`, 'buy', `i${u % 2}`),
    did(`u${u}`, 'buy', u < 5 ? 'x' : 'y'),
    did(`u${u}`, 'buy', u % 2 === 0 ? 'p' : 'q'),
  ])
  const all = listsOf(
    (await train(events, variantOf({ weights: 'llr', indicators: [{ name: 'buy' }] }))).model,
  )
  const strong = listsOf(
    (await train(events, variantOf({ indicators: [{ name: 'buy', minLLR: 5 }] }))).model,
  )
  const expected = (all.i0?.buy ?? []).filter(([, weight]) => weight * weight >= 4.95)
  assert.deepEqual(strong.i0?.buy, expected)
  assert.ok(expected.length < (all.i0?.buy?.length ?? 0))
})

test('the best few of any offers, whatever their order', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 500 })), {
        selector: ([, term]) => term,
      }),
      fc.integer({ min: 1, max: 20 }),
      (offers, size) => {
        const list = new TopList(size)
        for (const [value, term] of offers) if (value >= list.least) list.offer(value, term)
        list.sort()
        const found = Array.from({ length: list.length }, (_, i) => [list.values[i], list.terms[i]])
        const best = [...offers].sort((a, b) => b[0] - a[0] || a[1] - b[1]).slice(0, size)
        assert.deepEqual(found, best)
      },
    ),
  )
})

test('weights are rounded as the index keeps them', async () => {
  const { model } = await train([did('u', 'buy', 'a'), did('u', 'buy', 'b')], shop())
  for (const weight of model.indicators[0]?.weight ?? []) assert.equal(weight, roundWeight(weight))
})
