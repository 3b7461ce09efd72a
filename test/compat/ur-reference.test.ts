// The trainer, the embedded index and the planner of queries against a reference written from the description of the old
// engines alone: random engines, events and queries; the same items in the same order, and their scores. The seed is in the
// test's name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock } from '#ports/clock'
import type { EventStore } from '#ports/event-store'
import { silentTelemetry } from '#ports/telemetry'
import type { QueryResult } from '#schemas/query'
import { createItemIndex } from '../../infra/embedded/item-index.ts'
import { createDeadlines } from '../../serving/deadline.ts'
import { createEngineRegistry } from '../../serving/engines/registry.ts'
import { createRandom, type Random } from '../support/random.ts'
import { createServingFixture, type ToldEvent } from '../support/serving-fixture.ts'
import { train } from '../support/training.ts'
import { type Answer, createReference } from '../support/ur-reference/answer.ts'
import { bodyOf } from '../support/ur-reference/query.ts'
import {
  NOW,
  randomEvents,
  randomQuery,
  randomSettings,
} from '../support/ur-reference/random-world.ts'
import { engineJson, type Settings } from '../support/ur-reference/settings.ts'

const SEEDS = 200
const SEEDS_A_TEST = 20
const QUERIES = 30
const TOLERANCE = 1e-5
const clock: Clock = { ...systemClock, now: () => NOW }
const deadlines = createDeadlines(clock)

function isTrainable(events: readonly ToldEvent[], settings: Settings): boolean {
  const { indicators, minEvents } = settings
  const names = [indicators[0]?.name, ...(indicators[0]?.aliases ?? [])]
  const since = settings.windowDays === null ? 0 : NOW - settings.windowDays * 86_400_000
  const counts = new Map<string, number>()
  const known = new Set<string>()
  for (const event of events) {
    const { entityId, entityType, targetEntityId, targetEntityType } = event
    if (!names.includes(event.event) || Date.parse(event.eventTime) < since) continue
    if (entityType !== 'user' || targetEntityType !== 'item') continue
    const key = JSON.stringify([event.event, entityId, targetEntityId])
    if (settings.removeDuplicates && known.has(key)) continue
    known.add(key)
    counts.set(entityId, (counts.get(entityId) ?? 0) + 1)
  }
  return [...counts.values()].some((count) => count >= minEvents)
}

function sameAnswers(found: readonly Answer[], expected: readonly Answer[], what: string): void {
  assert.deepEqual(
    found.map(({ item }) => item),
    expected.map(({ item }) => item),
    what,
  )
  for (const [i, { score }] of expected.entries()) {
    const difference = Math.abs((found[i]?.score ?? Number.NaN) - score)
    assert.ok(
      difference <= TOLERANCE * Math.max(1, Math.abs(score)),
      `${what}: ${found[i]?.score}, not ${score}`,
    )
  }
}

async function compareWorld(seed: number, random: Random): Promise<number> {
  const settings = randomSettings(random)
  const events = randomEvents(random)
  if (!isTrainable(events, settings)) return 0
  const variant = engineJson(settings)
  const index = createItemIndex({ telemetry: silentTelemetry })
  let store: EventStore | null = null
  const wrapStore = (made: EventStore): EventStore => {
    store = made
    return made
  }
  const fixture = await createServingFixture({ clock, index, wrapStore })
  try {
    const { model } = await train(events, variant, undefined, NOW)
    await fixture.register('reference', variant)
    await fixture.activate('reference', 'v1', model)
    await fixture.tell(events)
    assert.ok(store !== null)
    const deps = { store, index, clock, telemetry: silentTelemetry, deadlines }
    const { half } = createEngineRegistry(fixture.directory, deps).resolve('reference', null)
    const reference = createReference(events, settings, NOW)
    for (let n = 0; n < QUERIES; n++) {
      const query = randomQuery(random)
      const { body } = await half.answer(bodyOf(query, settings), Number.POSITIVE_INFINITY)
      const what = `seed ${seed}: ${JSON.stringify({ query, settings })}`
      const json = JSON.parse(body) as QueryResult & { readonly result?: readonly Answer[] }
      sameAnswers(json.result ?? json.itemScores, reference.answer(query), what)
    }
  } finally {
    await fixture.close()
  }
  return QUERIES
}

for (let first = 1; first <= SEEDS; first += SEEDS_A_TEST) {
  const last = first + SEEDS_A_TEST - 1
  test(`seeds ${first} to ${last}`, async () => {
    for (let seed = first; seed <= last; seed++) {
      // An engine that cannot be trained is no test: another one then.
      for (let attempt = 0; ; attempt++) {
        if ((await compareWorld(seed, createRandom(seed * 1000 + attempt))) > 0) break
      }
    }
  })
}
