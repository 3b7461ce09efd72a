// An item index against its slow twin in memory: random models, items, changes and queries; every answer must be the same to the
// last bit. The seed is in the test's name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IndexVersion, ItemChange, ItemIndex } from '#ports/item-index'
import type { Json, JsonObject } from '#schemas/json'
import type { Model } from '#schemas/model'
import { type EvidenceClause, type FieldRule, SCORINGS, type ScoredQuery } from '#schemas/query'
import {
  type CreateItemIndex,
  clause,
  makeModel,
  scoredQuery,
} from '../support/item-index-fixture.ts'
import { createMemoryItemIndex } from '../support/memory/item-index.ts'
import { createRandom, type Random } from '../support/random.ts'

interface World {
  readonly random: Random
  readonly ids: readonly string[]
  readonly versions: readonly IndexVersion[]
  offset: number
}

const INDICATORS = ['buy', 'view', 'search']
const COLORS = ['red', 'green', 'blue', '7', 'true']
const RANKINGS = ['popRank', 'trendRank', 'stars']
const DAY = 86_400_000
const START = Date.parse('2025-01-01')

function makeWorld(seed: number, items: number): World {
  const random = createRandom(seed)
  const heads = ['i', 'I', 'é', '\u{1F600}', '\uFF5E', '0']
  const ids = Array.from({ length: items }, (_, i) => `${heads[i % heads.length]}${i}`)
  const version = { app: 1, engineId: 'shop', primaryEvents: ['buy'] }
  return {
    random,
    ids,
    versions: [
      { ...version, versionId: 'v1', userDefinedRankings: ['stars'] },
      { ...version, versionId: 'v2', userDefinedRankings: [], primaryEvents: ['view', 'search'] },
    ],
    offset: 0,
  }
}

function randomModel({ random, ids }: World): Model {
  const items = random.some(ids, 0.7)
  const terms = [...ids, 'term a', 'term b', 'constructor']
  const list = (): Record<string, number> => {
    const most = random.below(6)
    const chosen = Array.from({ length: most }, () => random.pick(terms))
    return Object.fromEntries(chosen.map((id) => [id, (1 + random.below(15)) / 8]))
  }
  const lists = Object.fromEntries(
    INDICATORS.slice(0, 1 + random.below(3)).map((indicator) => [
      indicator,
      Object.fromEntries(random.some(items, 0.8).map((item) => [item, list()])),
    ]),
  )
  const values = (low: number): Record<string, number> =>
    Object.fromEntries(random.some(items, 0.8).map((item) => [item, low + random.below(7)]))
  return makeModel({ items, lists, rankings: { popRank: values(0), trendRank: values(-3) } })
}

function randomProperties(random: Random): JsonObject {
  const all: Record<string, () => Json> = {
    color: () => random.pick<Json>(['red', 'blue', ['red', 'green'], [7, 'blue'], 7, true, []]),
    size: () => random.below(4),
    stars: () => random.pick<Json>([1, 2, 2.5, -1, 'many']),
    at: () =>
      random.pick<Json>([
        new Date(START + random.below(10) * DAY).toISOString(),
        START + random.below(10) * DAY,
        'never',
        [new Date(START).toISOString()],
      ]),
    text: () => 'long '.repeat(random.below(80)),
  }
  return Object.fromEntries(
    random.some(Object.keys(all), 0.5).map((key) => [key, all[key]?.() ?? null]),
  )
}

function randomChange(world: World): ItemChange {
  const { random, ids } = world
  const item = random.pick(ids)
  if (random.chance(0.25)) return { type: 'seen', event: random.pick(INDICATORS), item }
  world.offset++
  const offset = random.chance(0.1) ? random.below(world.offset) : world.offset
  const kind = random.below(8)
  const exists = kind > 1
  return {
    type: 'state',
    state: {
      item,
      offset,
      exists,
      deleted: kind === 0,
      properties: exists ? randomProperties(random) : {},
    },
  }
}

function randomEvidence({ random, ids }: World): EvidenceClause[] {
  const terms = [...ids, 'term a', 'term b', 'unknown']
  return Array.from({ length: random.below(4) }, () =>
    clause(
      random.pick([...INDICATORS, 'other']),
      [...new Set(Array.from({ length: random.below(9) }, () => random.pick(terms)))],
      {
        boost: random.pick([1, 1, 1.1, 2, 0.3]),
        must: random.chance(0.15),
        source: random.pick(['user', 'item', 'itemSet']),
      },
    ),
  )
}

function randomRule({ random }: World): FieldRule {
  const field = random.pick(['color', 'color', 'size', 'none', 'text'])
  const values: Record<string, string[]> = {
    size: random.some(['0', '1', '2', '3'], 0.5),
    text: ['', 'long '.repeat(random.below(80))],
  }
  return {
    field,
    values: values[field] ?? random.some([...COLORS, 'red'], 0.4),
    bias: random.pick([-1, -1, 0, 1, 1.05, 20, 0.4]),
  }
}

function randomQuery(world: World, scoring: ScoredQuery['scoring']): ScoredQuery {
  const { random, ids } = world
  const few = random.pick([0, 0, 1, 1, 2, 3])
  const bound = (): number | null => (random.chance(0.3) ? null : START + random.below(10) * DAY)
  return scoredQuery({
    scoring,
    evidence: randomEvidence(world),
    rules: Array.from({ length: few }, () => randomRule(world)),
    dates: random.chance(0.2)
      ? [{ field: 'at', after: bound(), before: bound(), includeBefore: random.chance(0.5) }]
      : [],
    excludeIds: random.chance(0.5) ? random.some(ids, 0.1) : ['unknown'],
    from: random.pick([0, 0, 0, 3, 17]),
    num: random.pick([1, 4, 20, 1000]),
    rankings: random.pick([
      ['popRank'],
      ['popRank', 'stars'],
      ['stars', 'trendRank', 'popRank'],
      ['trendRank'],
      RANKINGS,
      RANKINGS,
      [...RANKINGS, 'none'],
      [],
    ]),
    withRanks: random.chance(0.3),
    explain: random.chance(0.3),
  })
}

interface Pair {
  readonly tested: ItemIndex
  readonly twin: ItemIndex
}

/** Applies the same to both; while the tested index publishes, changes go on arriving. */
async function publishBoth({ tested, twin }: Pair, world: World): Promise<void> {
  const version = world.random.pick(world.versions)
  const model = randomModel(world)
  await twin.publish(version, model)
  const published = tested.publish(version, model)
  for (let turn = world.random.below(30); turn > 0; turn--) {
    await changeBoth({ tested, twin }, world, world.random.below(6))
    if (world.random.chance(0.01)) await clearBoth({ tested, twin })
    await new Promise(setImmediate)
  }
  await published
}

async function changeBoth({ tested, twin }: Pair, world: World, count: number): Promise<void> {
  const changes = Array.from({ length: count }, () => randomChange(world))
  await tested.applyItems(1, changes)
  await twin.applyItems(1, changes)
}

async function clearBoth({ tested, twin }: Pair): Promise<void> {
  await tested.clearItems(1)
  await twin.clearItems(1)
}

async function compareSearch(pair: Pair, world: World, scoring: ScoredQuery['scoring']) {
  const query = randomQuery(world, scoring)
  await pair.tested.refresh()
  for (const { engineId, versionId } of pair.twin.versions()) {
    const expected = await pair.twin.search(engineId, versionId, query)
    const found = await pair.tested.search(engineId, versionId, query)
    assert.deepEqual(found, expected, `${versionId} ${JSON.stringify(query)}`)
  }
}

async function compareLists(pair: Pair, world: World): Promise<void> {
  const items = world.random.some(world.ids, 0.2)
  for (const { engineId, versionId } of pair.twin.versions()) {
    const expected = await pair.twin.lists(engineId, versionId, items)
    assert.deepEqual(await pair.tested.lists(engineId, versionId, items), expected)
  }
}

async function step(pair: Pair, world: World): Promise<void> {
  const dice = world.random.below(100)
  if (dice < 4) await publishBoth(pair, world)
  else if (dice < 30) await changeBoth(pair, world, 1 + world.random.below(10))
  else if (dice < 33) await compareLists(pair, world)
  else if (dice < 34) {
    const { engineId, versionId } = world.random.pick(world.versions)
    for (const index of [pair.tested, pair.twin]) await index.retire(engineId, versionId)
  } else if (dice === 34 && world.random.chance(0.5)) await clearBoth(pair)
  else
    await compareSearch(
      pair,
      world,
      world.random.chance(0.4) ? 'weighted' : world.random.pick(SCORINGS),
    )
}

export interface RandomTests {
  readonly name: string
  readonly create: CreateItemIndex
  /** Worlds to play in, from seed 1 on. */
  readonly seeds: number
  /** Steps in each. */
  readonly steps: number
}

export function itemIndexRandomTests({ name, create, seeds, steps }: RandomTests): void {
  const open = async (): Promise<Pair> => ({
    tested: await create(),
    twin: createMemoryItemIndex(),
  })
  for (let seed = 1; seed <= seeds; seed++) {
    test(`the ${name} item index answers as its twin does (seed ${seed})`, async () => {
      const pair = await open()
      const world = makeWorld(seed, seed % 3 === 0 ? 6 : 40)
      await publishBoth(pair, world)
      for (let count = 0; count < steps; count++) await step(pair, world)
    })
  }

  test('… and with thousands of items, most of them new since the training', async () => {
    const pair = await open()
    const world = makeWorld(99, 2500)
    await publishBoth(pair, world)
    for (let round = 0; round < 4; round++) {
      for (let search = 0; search < 4; search++) await compareSearch(pair, world, 'weighted')
      await changeBoth(pair, world, 1500)
    }
  })
}
