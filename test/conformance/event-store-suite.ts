// What every event store does, whatever it is made of.
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { EventStore, FindFilter, StoreWriter } from '#ports/event-store'
import type { Event } from '#schemas/event'
import { entityHash } from '#schemas/hashes'
import type { LogRecord } from '#schemas/record'
import {
  dataDelete,
  deletionOf,
  eventRecord,
  placed,
  setItem,
  viewOf,
} from '../support/stream-records.ts'

export interface OpenStore {
  readonly writer: StoreWriter
  readonly store: EventStore
  /** Closes both and opens them again; null where nothing outlives a close. */
  readonly reopen: (() => Promise<OpenStore>) | null
}

export interface StoreFactory {
  readonly name: string
  open(test: TestContext): Promise<OpenStore>
}

const TIME = 1_700_000_000_000
const ANY: FindFilter = {
  app: 1,
  channel: 0,
  startTime: null,
  untilTime: null,
  entityType: null,
  entityId: null,
  event: null,
  targetEntityType: null,
  targetEntityId: null,
  reversed: false,
  limit: -1,
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

/** Applies records one behind the other, each call where the last one ended. */
function feeder(opened: OpenStore): (...records: LogRecord[]) => ReturnType<StoreWriter['apply']> {
  let at = 0
  return async (...records) => {
    const batch = placed(records, at)
    at += records.length
    const outcome = await opened.writer.apply(batch, { generation: 0, offsets: [at] })
    opened.store.refresh()
    return outcome
  }
}

const idsOf = (events: readonly Event[]): string[] => events.map((event) => event.eventId)

export function eventStoreSuite(factory: StoreFactory): void {
  suite(`event store: ${factory.name}`, () => {
    writing(factory)
    ending(factory)
    finding(factory)
    histories(factory)
    states(factory)
  })
}

function writing(factory: StoreFactory): void {
  test('an event comes back as it was, with every field', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const odd = 'id with space/ünïcode "品"'
    const record = viewOf('target id, 品', {
      eventId: odd,
      entityId: 'ж'.repeat(512),
      properties: '{"n":1.0,"big":123456789012345678901234567890,"s":"\\u0000ж"}',
      eventTime: -62_135_596_800_000,
      eventTimeOffset: -473,
      prId: 'p1',
      creationTime: TIME + 1,
    })
    await apply(record)
    assert.deepEqual(await opened.store.get(1, 0, odd), record.event)
    assert.deepEqual(await all(opened.store.find(ANY)), [record.event])
  })

  test('ids of 1,024 bytes and ids that begin alike are told apart', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const long = 'x'.repeat(1023)
    const ids = [`${long}a`, `${long}b`, 'a', 'ab', 'a b']
    const made = ids.map((id) => viewOf(id, { eventId: id, entityId: id }))
    await apply(...made)
    for (const [i, id] of ids.entries()) {
      assert.deepEqual(await opened.store.getAll(1, 0, id), [made[i]?.event])
      const mine = { ...ANY, entityType: 'user', entityId: id }
      assert.deepEqual(idsOf(await all(opened.store.find(mine))), [id])
    }
    const targets = await all(opened.store.targets(1, 0, 'view', 'item'))
    assert.deepEqual(targets.sort(), [...ids].sort())
    const request = { app: 1, channel: 0, entityType: 'user', entityId: `${long}b` }
    const [event] = await opened.store.history({
      ...request,
      events: [{ event: 'view', limit: 5 }],
    })
    assert.equal(event?.targetEntityId, `${long}b`)
  })

  test('a repeat changes nothing, other content under the same id is told', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const first = viewOf('i1', { eventId: 'same' })
    const other = viewOf('i2', { eventId: 'same', appendId: 'b' })
    const outcome = await apply(first, first, { ...first, appendId: 'a' }, other)
    assert.equal(outcome.live, 1)
    assert.equal(outcome.repeats, 2)
    assert.deepEqual(
      outcome.reused.map((refused) => refused.record),
      [other],
    )
    assert.deepEqual(await opened.store.getAll(1, 0, 'same'), [first.event])
    assert.deepEqual(await opened.store.count(1), new Map([[0, 1]]))
  })

  test('one id under several entities is several events; the first is the one got', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const first = viewOf('i1', { eventId: 'shared', entityId: 'u2', eventTime: TIME + 9 })
    const second = viewOf('i1', { eventId: 'shared', entityId: 'u1', eventTime: TIME })
    await apply(first, second)
    assert.deepEqual(await opened.store.get(1, 0, 'shared'), first.event)
    assert.deepEqual(await opened.store.getAll(1, 0, 'shared'), [first.event, second.event])
    await apply(deletionOf(first))
    assert.deepEqual(await opened.store.get(1, 0, 'shared'), second.event)
  })

  test('records applied before are skipped, whatever they are', async (t) => {
    const opened = await factory.open(t)
    const view = viewOf('i1', { eventId: 'v' })
    const batch = placed([view, deletionOf(view), viewOf('i2', { eventId: 'w' })])
    const upTo = { generation: 0, offsets: [3] }
    await opened.writer.apply(batch, upTo)
    const again = await opened.writer.apply(batch, upTo)
    opened.store.refresh()
    assert.deepEqual(again, { live: 0, repeats: 0, reused: [] })
    assert.deepEqual(idsOf(await all(opened.store.find(ANY))), ['w'])
    assert.deepEqual(await opened.store.applied(), upTo)
    await opened.writer.flushed()
    assert.deepEqual(await opened.writer.committed(), upTo)
  })

  test('apps and channels are walls', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const id = 'e'
    await apply(
      viewOf('i1', { eventId: id }),
      viewOf('i2', { eventId: id, channel: 1 }),
      viewOf('i3', { eventId: id, app: 2 }),
    )
    const { store } = opened
    assert.equal((await store.get(1, 1, id))?.targetEntityId, 'i2')
    assert.equal((await store.get(2, 0, id))?.targetEntityId, 'i3')
    assert.equal(await store.get(2, 1, id), null)
    assert.deepEqual(await all(store.targets(1, 0, 'view', 'item')), ['i1'])
    assert.deepEqual(
      await store.count(1),
      new Map([
        [0, 1],
        [1, 1],
      ]),
    )
    assert.deepEqual(await store.count(9), new Map())
  })

  test('closed and opened again it is the same', async (t) => {
    const opened = await factory.open(t)
    if (opened.reopen === null) return
    const apply = feeder(opened)
    await apply(viewOf('i1'), setItem('i1', { a: 1 }))
    await opened.writer.flushed()
    const again = await opened.reopen()
    const upTo = { generation: 0, offsets: [2] }
    assert.deepEqual(await again.writer.committed(), upTo)
    const next = placed([viewOf('i1'), viewOf('i2')], 2)
    const outcome = await again.writer.apply(next, { generation: 0, offsets: [4] })
    assert.deepEqual(outcome, { live: 1, repeats: 1, reused: [] })
    again.store.refresh()
    assert.deepEqual(idsOf(await all(again.store.find(ANY))), ['v-i1', 's-i1', 'v-i2'])
  })
}

function ending(factory: StoreFactory): void {
  test('a deleted event is gone from every read, and its id may be used anew', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const first = viewOf('i1', { eventId: 'e', appendId: 'a' })
    const anew = viewOf('i2', { eventId: 'e', appendId: 'b' })
    await apply(first, deletionOf(first))
    assert.equal(await opened.store.get(1, 0, 'e'), null)
    assert.deepEqual(
      await all(opened.store.find({ ...ANY, entityType: 'user', entityId: 'u1' })),
      [],
    )
    assert.deepEqual(await opened.store.count(1), new Map())
    assert.equal((await apply(first)).repeats, 1, 'the same append does not count twice')
    assert.equal((await apply(anew)).live, 1)
    assert.equal((await apply(first)).repeats, 1, 'a repeat of either append')
    assert.deepEqual(await opened.store.getAll(1, 0, 'e'), [anew.event])
    assert.deepEqual((await all(opened.store.targets(1, 0, 'view', 'item'))).sort(), ['i1', 'i2'])
  })

  test('a deletion names the entity: the id under others stays', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const mine = viewOf('i1', { eventId: 'e', entityId: 'u1' })
    const others = viewOf('i1', { eventId: 'e', entityId: 'u2' })
    await apply(mine, others, deletionOf(mine))
    assert.deepEqual(await opened.store.getAll(1, 0, 'e'), [others.event])
  })

  test('an erasure ends what an entity did and what was done to it', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    await apply(
      viewOf('i1', { eventId: '1', entityId: 'u1' }),
      setItem('i1', { a: 1 }, { eventId: '2', entityType: 'user', entityId: 'u1' }),
      viewOf('u1', { eventId: '3', entityId: 'u2', targetEntityType: 'user' }),
      viewOf('i1', { eventId: '4', entityId: 'u2' }),
      viewOf('u1', { eventId: '5', entityId: 'u2', targetEntityType: 'item' }),
      {
        kind: 'erasure',
        appendId: '',
        app: 1,
        channel: 0,
        entityHash: entityHash('user', 'u1'),
        creationTime: TIME,
      },
      viewOf('i9', { eventId: '6', entityId: 'u1' }),
    )
    assert.deepEqual(idsOf(await all(opened.store.find(ANY))), ['4', '5', '6'])
    assert.equal(await opened.store.state(1, 0, 'user', 'u1'), null)
    assert.deepEqual(await all(opened.store.targets(1, 0, 'view', 'user')), [])
    assert.deepEqual(await opened.store.count(1), new Map([[0, 3]]))
  })

  test('a data-delete ends a channel or the app, and what comes after it counts', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const made = [0, 1].flatMap((channel) => [
      viewOf('i1', { eventId: 'a', channel }),
      setItem('i1', { a: 1 }, { channel }),
    ])
    await apply(...made, viewOf('i1', { app: 2 }), dataDelete(1, 1))
    assert.deepEqual(await opened.store.count(1), new Map([[0, 2]]))
    assert.equal(await opened.store.state(1, 1, 'item', 'i1'), null)
    await apply(dataDelete(1), viewOf('i2', { eventId: 'b' }))
    assert.deepEqual(await opened.store.count(1), new Map([[0, 1]]))
    assert.deepEqual(await opened.store.count(2), new Map([[0, 1]]))
    assert.deepEqual(await all(opened.store.targets(1, 0, 'view', 'item')), ['i2'])
    const [repeated] = made
    if (repeated !== undefined) assert.equal((await apply(repeated)).repeats, 1)
  })
}

function finding(factory: StoreFactory): void {
  test('find: times half-open, oldest first, ties by position, limit, reversed', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const times = [5, 3, 3, 9, 1, 3]
    await apply(...times.map((at, i) => viewOf('i', { eventId: `${i}`, eventTime: TIME + at })))
    const find = async (filter: Partial<FindFilter>): Promise<string> =>
      idsOf(await all(opened.store.find({ ...ANY, ...filter }))).join('')
    for (const one of [{}, { entityType: 'user', entityId: 'u1' }]) {
      assert.equal(await find(one), '412503')
      assert.equal(await find({ ...one, reversed: true }), '305214')
      assert.equal(await find({ ...one, limit: 2 }), '41')
      assert.equal(await find({ ...one, limit: 2, reversed: true }), '30')
      assert.equal(await find({ ...one, limit: 0 }), '')
      const startTime = TIME + 3
      const untilTime = TIME + 9
      assert.equal(await find({ ...one, startTime }), '12503')
      assert.equal(await find({ ...one, untilTime }), '41250')
      assert.equal(await find({ ...one, startTime, untilTime, reversed: true }), '0521')
      assert.equal(await find({ ...one, startTime: untilTime, untilTime: startTime }), '')
    }
  })

  test('find: every field is a filter, alone or with others', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    await apply(
      viewOf('i1', { eventId: 'a' }),
      viewOf('i2', { eventId: 'b', event: 'buy' }),
      viewOf('u1', { eventId: 'c', entityId: 'u2', targetEntityType: 'user' }),
      eventRecord({ eventId: 'd', event: '$set', entityType: 'item', entityId: 'u1' }),
      viewOf('i1', { eventId: 'e', channel: 1 }),
    )
    const find = async (filter: Partial<FindFilter>): Promise<string> =>
      idsOf(await all(opened.store.find({ ...ANY, ...filter }))).join('')
    assert.equal(await find({ entityType: 'user' }), 'abc')
    assert.equal(await find({ entityId: 'u1' }), 'abd')
    assert.equal(await find({ entityType: 'user', entityId: 'u1' }), 'ab')
    assert.equal(await find({ entityType: 'user', entityId: 'u1', event: 'buy' }), 'b')
    assert.equal(await find({ event: 'view' }), 'ac')
    assert.equal(await find({ targetEntityType: 'item' }), 'ab')
    assert.equal(await find({ targetEntityId: 'u1' }), 'c')
    assert.equal(await find({ event: 'view', targetEntityType: 'user' }), 'c')
    assert.equal(await find({ event: 'never seen' }), '')
    assert.equal(await find({ entityType: '', entityId: '' }), '')
    assert.equal(await find({ channel: 1 }), 'e')
    assert.equal(await find({ app: 7 }), '')
  })

  test('find: more events than a slice, in order, and a reader may stop early', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const made = Array.from({ length: 2000 }, (_, i) =>
      viewOf('i', {
        eventId: `${i}`,
        event: `name ${i % 3}`,
        eventTime: TIME + ((i * 7919) % 2000),
      }),
    )
    for (let i = 0; i < made.length; i += 250) await apply(...made.slice(i, i + 250))
    const expected = made.map(({ event }) => event).sort((a, b) => a.eventTime - b.eventTime)
    const one = { entityType: 'user', entityId: 'u1' }
    for (const filter of [ANY, { ...ANY, ...one }]) {
      assert.deepEqual(idsOf(await all(opened.store.find(filter))), idsOf(expected))
      const newest = await all(opened.store.find({ ...filter, reversed: true, limit: 700 }))
      assert.deepEqual(idsOf(newest), idsOf(expected.toReversed().slice(0, 700)))
      for await (const event of opened.store.find(filter)) {
        assert.equal(event.eventId, expected[0]?.eventId)
        break
      }
    }
  })
}

function histories(factory: StoreFactory): void {
  test('history: newest first per event name, targets only, repeats kept', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    await apply(
      viewOf('i1', { eventId: '1', eventTime: TIME + 1 }),
      viewOf('i2', { eventId: '2', eventTime: TIME + 3 }),
      eventRecord({ eventId: '3', eventTime: TIME + 4 }),
      viewOf('i1', { eventId: '4', eventTime: TIME + 2 }),
      viewOf('i5', { eventId: '5', event: 'buy' }),
      viewOf('i6', { eventId: '6', entityId: 'u2', eventTime: TIME + 9 }),
    )
    const ask = async (...events: [string, number][]): Promise<string> => {
      const request = { app: 1, channel: 0, entityType: 'user', entityId: 'u1' }
      const wanted = events.map(([event, limit]) => ({ event, limit }))
      const found = await opened.store.history({ ...request, events: wanted })
      return found.map((event) => `${event.event} ${event.targetEntityId}`).join(', ')
    }
    assert.equal(await ask(['view', 9]), 'view i2, view i1, view i1')
    assert.equal(await ask(['view', 2]), 'view i2, view i1')
    assert.equal(await ask(['buy', 1], ['view', 1]), 'buy i5, view i2')
    assert.equal(await ask(['view', 0], ['sell', 4]), '')
  })

  test('history: late events and deletions in a long history', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const count = 900
    const made = Array.from({ length: count }, (_, i) =>
      viewOf(`item-${i}`, { eventId: `${i}`, eventTime: TIME + ((i * 313) % count) * 10 }),
    )
    for (let i = 0; i < count; i += 30) await apply(...made.slice(i, i + 30))
    const deleted = made.filter((_, i) => i % 4 === 0)
    await apply(...deleted.map(deletionOf))
    const left = made
      .filter((_, i) => i % 4 !== 0)
      .map(({ event }) => event)
      .sort((a, b) => b.eventTime - a.eventTime)
    const request = { app: 1, channel: 0, entityType: 'user', entityId: 'u1' }
    for (const limit of [10, 100, 1000]) {
      const found = await opened.store.history({ ...request, events: [{ event: 'view', limit }] })
      assert.deepEqual(
        found,
        left.slice(0, limit).map(({ targetEntityId, eventTime }) => ({
          event: 'view',
          targetEntityId,
          eventTime,
        })),
      )
    }
    await apply(...left.map((event) => deletionOf(viewOf('', { eventId: event.eventId }))))
    const none = await opened.store.history({ ...request, events: [{ event: 'view', limit: 9 }] })
    assert.deepEqual(none, [])
  })
}

function states(factory: StoreFactory): void {
  test('state: the fold of special events in any order, folded again after a deletion', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const first = setItem('i1', { a: 1, b: 2 }, { eventId: '1', eventTime: TIME + 5 })
    const older = setItem('i1', { a: 9, c: 3 }, { eventId: '2', eventTime: TIME + 1 })
    assert.equal(await opened.store.state(1, 0, 'item', 'i1'), null)
    await apply(first, older)
    const cells = async (): Promise<string> => {
      const state = await opened.store.state(1, 0, 'item', 'i1')
      if (state === null) return 'none'
      const texts = [...state.properties].map(([key, { value }]) => `${key}=${value}`)
      return `${texts.sort().join(' ')} ${state.firstUpdated - TIME}-${state.lastUpdated - TIME}`
    }
    assert.equal(await cells(), 'a=1 b=2 c=3 1-5')
    await apply(deletionOf(first))
    assert.equal(await cells(), 'a=9 c=3 1-1')
    const found = await all(opened.store.states(1, 0, 'item'))
    assert.deepEqual(
      found.map(({ entityId, offset }) => [entityId, offset]),
      [['i1', 2]],
    )
    await apply(deletionOf(older))
    assert.equal(await cells(), 'none')
    assert.deepEqual(await all(opened.store.states(1, 0, 'item')), [])
  })

  test('states: all entities of a type, more than a slice', async (t) => {
    const opened = await factory.open(t)
    const apply = feeder(opened)
    const items = Array.from({ length: 700 }, (_, i) => `item ${i}`)
    await apply(...items.map((item, i) => setItem(item, { i })))
    await apply(setItem('x', {}, { entityType: 'other' }))
    const found = await all(opened.store.states(1, 0, 'item'))
    assert.deepEqual(found.map(({ entityId }) => entityId).sort(), items.toSorted())
    const one = found.find(({ entityId }) => entityId === 'item 7')
    assert.deepEqual(one?.state, await opened.store.state(1, 0, 'item', 'item 7'))
    assert.equal(one?.offset, 7)
  })
}
