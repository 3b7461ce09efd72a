// A query server with one small trained engine, `shop`: u bought a, which points to b and, less so, to c.
import type { TestContext } from 'node:test'
import { makeModel } from './item-index-fixture.ts'
import {
  createServingFixture,
  type ServingFixture,
  type ServingFixtureOptions,
} from './serving-fixture.ts'
import { did, variantOf } from './training.ts'

export const SHOP_MODEL = makeModel({
  items: ['a', 'b', 'c'],
  lists: { buy: { b: { a: 2 }, c: { a: 1 } } },
  rankings: { popRank: { a: 3, b: 2, c: 1 } },
})
export const SHOP_VARIANT = variantOf({ indicators: [{ name: 'buy' }] })

/** The engine is the first registered; the test closes the server. */
export async function serveShop(
  t: TestContext,
  options: ServingFixtureOptions = {},
): Promise<ServingFixture> {
  const fixture = await createServingFixture(options)
  t.after(() => fixture.close())
  await fixture.register('shop', SHOP_VARIANT)
  await fixture.activate('shop', 'v1', SHOP_MODEL)
  await fixture.tell([did('u', 'buy', 'a')])
  return fixture
}
