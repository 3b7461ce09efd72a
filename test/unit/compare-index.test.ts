// Comparing the item index with a rebuilt store while both go on: what differs is found, what only moves is not.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type HeldItem, NOTHING_HELD } from '#ports/held-items'
import { compareIndex } from '../../streams/compare-index.ts'
import { createDifferences } from '../../streams/differences.ts'

/** Contents of items by id, with the offset up to which the index has folded them. */
type Items = Record<string, readonly [content: string, offset: number]>

const heldOf = (items: Items, ids: readonly string[]): HeldItem[] =>
  ids.map((item) => {
    const [content, offset] = items[item] ?? [NOTHING_HELD, -1]
    return { item, content, offset }
  })

interface World {
  live: Items
  rebuilt: Items
  /** Called before the items are looked at for the nth time. */
  readonly settled?: (round: number) => void
}

async function compare(world: World) {
  const differences = createDifferences()
  let round = 0
  const compared = await compareIndex({
    apps: [{ app: 1, primaryEvents: ['buy'] }],
    live: {
      held: async (_app, ids) => heldOf(world.live, ids),
      list: async (_app, from, limit) => {
        const all = Object.keys(world.live)
        const next = from + limit < all.length ? from + limit : null
        return { items: all.slice(from, from + limit), next }
      },
    },
    rebuilt: {
      held: async (_app, ids) => heldOf(world.rebuilt, ids),
      list: async function* pages() {
        for (const id of Object.keys(world.rebuilt)) yield [id]
      },
    },
    settle: async () => {
      world.settled?.(round)
      return { generation: 0, offsets: [10 * ++round] }
    },
    differences,
    signal: new AbortController().signal,
  })
  const { kinds } = differences.result()
  return { ...compared, kinds: kinds.map(({ kind, count }) => `${kind} ${count}`) }
}

describe('comparing the item index with a rebuilt store', () => {
  it('finds nothing where both hold the same', async () => {
    const items: Items = { a: ['A', 3], b: ['B', 9] }
    assert.deepEqual(await compare({ live: items, rebuilt: items }), {
      items: 2,
      unsettled: 0,
      kinds: [],
    })
  })

  it('names items that are missing, extra and other', async () => {
    const { kinds } = await compare({
      live: { a: ['A', 3], b: ['old', 4], x: ['X', 5] },
      rebuilt: { a: ['A', 3], b: ['new', 4], m: ['M', 5] },
    })
    assert.deepEqual(kinds, ['index-missing 1', 'index-extra 1', 'index-other 1'])
  })

  it('lets an item settle that the index was late with', async () => {
    const world: World = {
      live: { a: ['old', 3] },
      rebuilt: { a: ['new', 8] },
      settled: (round) => {
        if (round === 1) world.live = { a: ['new', 12] }
      },
    }
    assert.deepEqual((await compare(world)).kinds, [])
  })

  it('does not call an item different that is ahead each time, and says so', async () => {
    const world: World = {
      live: {},
      rebuilt: { a: ['version 0', 1] },
      settled: (round) => {
        world.live = { a: [`version ${round + 1}`, 10 * (round + 1) + 5] }
        world.rebuilt = { a: [`version ${round}`, 10 * round] }
      },
    }
    assert.deepEqual(await compare(world), { items: 1, unsettled: 1, kinds: [] })
  })
})
