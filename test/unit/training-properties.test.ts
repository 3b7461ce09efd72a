// What no training may depend on, and what every one must find, whatever the scoring.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { silentTelemetry } from '#ports/telemetry'
import type { JsonObject } from '#schemas/json'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { createServingFixture } from '../support/serving-fixture.ts'
import { did, listsOf, type TrainingEvent, train, variantOf } from '../support/training.ts'

const KINDS: Readonly<Record<string, JsonObject>> = {
  acos: { weights: 'acos' },
  llr: { weights: 'llr' },
  global: { scoring: 'global' },
  es5: { scoring: 'es5' },
  es7: { scoring: 'es7' },
}
const shop = (kind: string): JsonObject =>
  variantOf({ eventNames: ['buy', 'view'], ...KINDS[kind] })

const USERS = 10
const ITEMS = 8
const number = (limit: number) => fc.integer({ min: 0, max: limit - 1 })
const permutation = (size: number) =>
  fc.shuffledSubarray(Array.from(Array(size).keys()), { minLength: size, maxLength: size })

const someEvents = fc
  .array(fc.tuple(number(USERS), fc.constantFrom('buy', 'view'), number(ITEMS)), { maxLength: 120 })
  .map((events) => [[0, 'buy', 0] as [number, string, number], ...events])

/** item → indicator → ids with their weights, in no order. */
async function model(events: readonly TrainingEvent[], kind: string) {
  const lists = listsOf((await train(events, shop(kind))).model)
  const entries = Object.entries(lists).map(([item, of]) => [
    item,
    Object.fromEntries(Object.entries(of).map(([name, list]) => [name, Object.fromEntries(list)])),
  ])
  return Object.fromEntries(entries) as Record<string, Record<string, Record<string, number>>>
}

/** Two digits, so that the order of ids is that of numbers. */
const idOf = (prefix: string, n: number | undefined): string => `${prefix}${10 + (n ?? 0)}`

for (const kind of Object.keys(KINDS)) {
  describe(kind, () => {
    test('users, items and events in another order give the same model', async () => {
      await fc.assert(
        fc.asyncProperty(
          someEvents.chain((events) => fc.tuple(fc.constant(events), permutation(events.length))),
          permutation(USERS),
          permutation(ITEMS),
          async ([events, order], users, items) => {
            const plain = events.map(([u, event, i], n) =>
              did(idOf('u', u), event, idOf('i', i), n),
            )
            const moved = order.map((n) => {
              const [u, event, i] = events[n] as (typeof events)[number]
              return did(idOf('u', users[u]), event, idOf('i', items[i]), n)
            })
            const named = (item: string): string => idOf('i', items[Number(item.slice(1)) - 10])
            const renamed = Object.entries(await model(plain, kind)).map(([item, lists]) => [
              named(item),
              Object.fromEntries(
                Object.entries(lists).map(([name, list]) => [
                  name,
                  Object.fromEntries(Object.entries(list).map(([id, w]) => [named(id), w])),
                ]),
              ),
            ])
            assert.deepEqual(await model(moved, kind), Object.fromEntries(renamed))
          },
        ),
        { numRuns: 25 },
      )
    })

    test('a checkerboard: the item that a user lacks comes first', async (t) => {
      const size = 10
      const lacks = (user: number): number => (((user + 4) % size) & ~1) | (user % 2)
      const events: TrainingEvent[] = []
      for (let user = 0; user < size; user++) {
        for (let item = user % 2; item < size; item += 2) {
          if (item !== lacks(user)) events.push(did(`u${user}`, 'buy', `i${item}`))
        }
      }
      const index = createItemIndex({ telemetry: silentTelemetry })
      const fixture = await createServingFixture({ index })
      t.after(() => fixture.close())
      await fixture.register('shop', shop(kind))
      await fixture.activate('shop', 'v1', (await train(events, shop(kind))).model)
      await fixture.tell(events)
      for (let user = 0; user < size; user++) {
        const { items, json } = await fixture.query({ user: `u${user}` })
        assert.equal(items[0], `i${lacks(user)}`, `u${user}`)
        const [first, second] = json.itemScores
        assert.ok((first?.score ?? 0) > (second?.score ?? 0), JSON.stringify(json))
      }
    })
  })
}
