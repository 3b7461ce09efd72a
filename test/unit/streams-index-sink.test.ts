import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EventStore } from '#ports/event-store'
import type { ItemChange, ItemIndex } from '#ports/item-index'
import { silentTelemetry } from '#ports/telemetry'
import type { Watermark } from '#schemas/position'
import type { LogRecord } from '#schemas/record'
import { createIndexSink } from '../../streams/index-sink.ts'
import { createTouchCollector } from '../../streams/item-touches.ts'
import { createManualClock } from '../support/memory/clock.ts'
import {
  createMemoryEventStore,
  createMemoryEvents,
  createMemoryStoreWriter,
} from '../support/memory/event-store.ts'
import { createMemoryItemIndex } from '../support/memory/item-index.ts'
import { dataDelete, deletionOf, placed, setItem, viewOf } from '../support/stream-records.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** An index sink behind a store in memory; every change of the index is written down. */
function given(wrap: (store: EventStore, written: string[]) => EventStore = (store) => store) {
  const events = createMemoryEvents()
  const writer = createMemoryStoreWriter(events)
  const collector = createTouchCollector()
  const primary = new Map([[1, new Set(['view'])]])
  collector.setPrimaryEvents(primary)
  const clock = createManualClock()
  const inner = createMemoryItemIndex()
  const written: string[] = []
  const index: ItemIndex = {
    ...inner,
    applyItems: (app, changes) => {
      for (const change of changes) written.push(line(change))
      return inner.applyItems(app, changes)
    },
    clearItems: (app) => {
      written.push('clear')
      return inner.clearItems(app)
    },
  }
  const applied: Watermark[] = []
  const sink = createIndexSink({
    index,
    store: wrap(createMemoryEventStore(events), written),
    clock,
    telemetry: silentTelemetry,
    primaryEvents: (app) => primary.get(app) ?? [],
    deadLetter: async () => assert.fail('nothing is refused'),
    onApplied: (to) => applied.push(to),
  })
  let next = 0
  /** The store sink applies records and tells the index sink. */
  const store = async (records: readonly LogRecord[]): Promise<void> => {
    const batch = placed(records, next)
    next += records.length
    const upTo = { generation: 0, offsets: [next] }
    await writer.apply(batch, upTo)
    sink.take(collector.collect(batch), upTo)
  }
  return { sink, store, written, applied, clock }
}

function line(change: ItemChange): string {
  if (change.type === 'seen') return `seen ${change.item} by ${change.event}`
  const { item, deleted, properties } = change.state
  return `${item} ${JSON.stringify(properties)}${deleted ? ' deleted' : ''}`
}

describe('index sink', () => {
  it('tells anew what the store has after the index was cleared', async () => {
    const { sink, store, written } = given((inner, steps) => ({
      ...inner,
      refresh: () => {
        steps.push('refresh')
        inner.refresh()
      },
      states: (...of) => {
        steps.push('read')
        return inner.states(...of)
      },
    }))
    await store([dataDelete(1), setItem('a', { n: 1 })])
    await sink.settled()
    assert.deepEqual(written, ['refresh', 'clear', 'refresh', 'read', 'a {"n":1}'])
  })

  it('writes the whole state of a touched item as it is now', async () => {
    const { sink, store, written, applied } = given()
    const price = setItem('a', { price: 2 }, { eventId: 's2' })
    await store([setItem('a', { title: 'A' }), price])
    await sink.settled()
    await store([deletionOf(price)])
    await sink.settled()
    await store([
      setItem('a', {}, { event: '$delete', eventId: 'd', eventTime: 1_800_000_000_000 }),
    ])
    await sink.settled()
    assert.deepEqual(written, ['a {"title":"A","price":2}', 'a {"title":"A"}', 'a {} deleted'])
    assert.deepEqual(
      applied.map(({ offsets }) => offsets[0]),
      [2, 3, 4],
    )
  })

  it('tells new targets of primary events', async () => {
    const { sink, store, written } = given()
    await store([viewOf('a'), viewOf('a', { eventId: 'v2' }), viewOf('b')])
    await sink.settled()
    assert.deepEqual(written, ['seen a by view', 'seen b by view'])
  })

  it('moves the watermark at once when a batch touches no item', async () => {
    const { store, written, applied } = given()
    await store([viewOf('a', { event: 'other' })])
    assert.deepEqual(applied, [{ generation: 0, offsets: [1] }])
    assert.deepEqual(written, [])
  })

  it('gathers what comes while it works and writes it once', async () => {
    const { sink, store, written, applied } = given()
    await store([setItem('a', { n: 1 })])
    await store([setItem('b', { n: 1 })])
    await store([setItem('b', { n: 2 }, { eventId: 's2' })])
    await sink.settled()
    assert.deepEqual(written, ['a {"n":1}', 'b {"n":2}'])
    assert.deepEqual(
      applied.map(({ offsets }) => offsets[0]),
      [1, 3],
    )
  })

  it('forgets all items when the data of an app are deleted', async () => {
    const { sink, store, written } = given()
    await store([setItem('a', { n: 1 })])
    await sink.settled()
    await store([dataDelete(1), setItem('b', { n: 1 })])
    await sink.settled()
    assert.deepEqual(written, ['a {"n":1}', 'clear', 'b {"n":1}'])
  })

  it('loads states and targets from the store at the start', async () => {
    const { sink, store, written } = given()
    await store([setItem('a', { n: 1 }), viewOf('b'), viewOf('c', { event: 'buy' })])
    await sink.settled()
    written.length = 0
    await sink.load([1])
    assert.deepEqual(written, ['a {"n":1}', 'seen b by view'])
    await sink.loadTargets(1, 'buy')
    assert.deepEqual(written.slice(2), ['seen c by buy'])
  })

  it('loads all of it again after a failure', async () => {
    let failing = 0
    const { sink, store, written, clock } = given((inner) => ({
      ...inner,
      states: (...key) => {
        if (failing-- > 0) throw new Error('away')
        return inner.states(...key)
      },
    }))
    await store([setItem('a', { n: 1 })])
    await sink.settled()
    written.length = 0
    failing = 1
    const loaded = sink.load([1])
    while (clock.sleeping === 0) await turn()
    clock.advance(50)
    await loaded
    assert.deepEqual(written, ['a {"n":1}'])
  })

  it('tries again when the store fails, and stays behind until then', async () => {
    let failing = 1
    const { sink, store, written, applied, clock } = given((inner) => ({
      ...inner,
      state: (...key) => {
        if (failing-- > 0) throw new Error('away')
        return inner.state(...key)
      },
    }))
    await store([setItem('a', { n: 1 })])
    while (clock.sleeping === 0) await turn()
    assert.deepEqual(applied, [])
    clock.advance(50)
    await sink.settled()
    assert.deepEqual(written, ['a {"n":1}'])
    assert.equal(applied.length, 1)
  })
})
