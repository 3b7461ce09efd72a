// What every event store answers: find, histories, states.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FindFilter } from '#ports/event-store'
import { ANY, all, feeder, idsOf, type StoreFactory, TIME } from '../support/event-store-fixture.ts'
import { deletionOf, eventRecord, setItem, viewOf } from '../support/stream-records.ts'

export function eventStoreReadsSuite(factory: StoreFactory): void {
  finding(factory)
  histories(factory)
  states(factory)
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
