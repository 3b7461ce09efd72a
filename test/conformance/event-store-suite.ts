// What every event store does, whatever it is made of.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { entityHash } from '#schemas/hashes'
import { ANY, all, feeder, idsOf, type StoreFactory, TIME } from '../support/event-store-fixture.ts'
import { dataDelete, deletionOf, placed, setItem, viewOf } from '../support/stream-records.ts'
import { eventStoreReadsSuite } from './event-store-reads-suite.ts'

export function eventStoreSuite(factory: StoreFactory): void {
  suite(`event store: ${factory.name}`, () => {
    writing(factory)
    ending(factory)
    eventStoreReadsSuite(factory)
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
