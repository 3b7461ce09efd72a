// An event store against the one in memory: a seeded stream of records, and every read compared.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EventStore, everyEvent } from '#ports/event-store'
import { all, type StoreFactory, TIME } from '../support/event-store-fixture.ts'
import {
  createMemoryEventStore,
  createMemoryEvents,
  createMemoryStoreWriter,
} from '../support/memory/event-store.ts'
import { createRandom } from '../support/random.ts'
import { createStoreRecords } from '../support/store-records.ts'

/** Everything a store answers about one channel, in an order of our own where the port gives none. */
async function answers(store: EventStore, app: number, channel: number, seed: number) {
  const random = createRandom(seed)
  const any = everyEvent(app, channel)
  const events = await all(store.find(any))
  const found: unknown[] = [events, await store.applied(), [...(await store.count(app))].sort()]
  for (let i = 0; i < 12; i++) {
    const event = random.pick(events)
    const { entityType, entityId } = event ?? { entityType: 'user', entityId: 'u1' }
    const time = (): number | null => (random.chance(0.5) ? TIME + random.below(20_000) : null)
    found.push(
      await all(
        store.find({
          ...any,
          startTime: time(),
          untilTime: time(),
          entityType: random.chance(0.8) ? entityType : null,
          entityId: random.chance(0.8) ? entityId : null,
          event: random.chance(0.3) ? (event?.event ?? 'view') : null,
          targetEntityType: random.chance(0.2) ? 'item' : null,
          targetEntityId: random.chance(0.1) ? 'i1' : null,
          reversed: random.chance(0.5),
          limit: random.pick([-1, 1, 5, 40]),
        }),
      ),
    )
    const wanted = ['view', 'purchase', 'v'].map((name) => ({ event: name, limit: 1 + i * 9 }))
    found.push(await store.history({ app, channel, entityType, entityId, events: wanted }))
    found.push(await store.state(app, channel, entityType, entityId))
  }
  for (const id of [...events.map((event) => event.eventId), 'id 1', 'id 2', 'nowhere']) {
    found.push(await store.get(app, channel, id), await store.getAll(app, channel, id))
  }
  for (const type of ['item', 'user']) {
    const states = await all(store.states(app, channel, type))
    found.push(states.sort((a, b) => (a.entityId < b.entityId ? -1 : 1)))
    for (const name of ['view', 'purchase', '$set']) {
      found.push((await all(store.targets(app, channel, name, type))).sort())
    }
  }
  return found
}

const CHANNELS = [
  [1, 0],
  [1, 3],
  [2, 0],
] as const

export function eventStoreRandomSuite(factory: StoreFactory, steps: number): void {
  for (const [seed, partitions] of [
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 3],
  ] as const) {
    test(`${factory.name}, seed ${seed}, ${partitions} partition(s): every read as in memory`, async (t) => {
      const events = createMemoryEvents()
      const twin = {
        writer: createMemoryStoreWriter(events),
        store: createMemoryEventStore(events),
      }
      const { writer, store } = await factory.open(t)
      const random = createRandom(seed)
      const records = createStoreRecords(seed, partitions)
      for (let step = 0; step < steps; step++) {
        const batch = records.next(random.pick([1, 7, 60]))
        const upTo = { generation: 0, offsets: records.ends() }
        const outcome = await writer.apply(batch, upTo)
        assert.deepEqual(outcome, await twin.writer.apply(batch, upTo))
        if (random.chance(0.2)) await writer.apply(batch, upTo)
        store.refresh()
        twin.store.refresh()
        for (const [app, channel] of CHANNELS) {
          assert.deepEqual(
            await answers(store, app, channel, seed + step),
            await answers(twin.store, app, channel, seed + step),
          )
        }
      }
    })
  }
}
