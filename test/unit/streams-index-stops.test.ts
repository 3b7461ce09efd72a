// An index that refuses items: their letters, the breaker, and how an app's index is made good from the store.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ItemIndex } from '#ports/item-index'
import { silentTelemetry } from '#ports/telemetry'
import { decodeRecord } from '#schemas/codec'
import type { DeadLetter } from '#schemas/dead-letter'
import type { Watermark } from '#schemas/position'
import type { LogRecord } from '#schemas/record'
import { indexHealth } from '../../infra/wiring/index-health.ts'
import { MEND_FIRST_MS } from '../../streams/index-mender.ts'
import { createIndexSink } from '../../streams/index-sink.ts'
import { createTouchCollector } from '../../streams/item-touches.ts'
import { createManualClock } from '../support/memory/clock.ts'
import {
  createMemoryEventStore,
  createMemoryEvents,
  createMemoryStoreWriter,
} from '../support/memory/event-store.ts'
import { createMemoryItemIndex } from '../support/memory/item-index.ts'
import { dataDelete, placed, setItem } from '../support/stream-records.ts'
import { until } from '../support/until.ts'

/** Refuses items by this test; writes down what it takes, by app. */
function given(refuses: (item: string) => boolean) {
  const events = createMemoryEvents()
  const writer = createMemoryStoreWriter(events)
  const collector = createTouchCollector()
  const clock = createManualClock()
  const inner = createMemoryItemIndex()
  const taken = new Map<number, Set<string>>([1, 2].map((app) => [app, new Set<string>()]))
  const index: ItemIndex = {
    ...inner,
    clearItems: async (app) => {
      taken.get(app)?.clear()
    },
    applyItems: async (app, changes) => {
      const items = changes.map((c) => (c.type === 'seen' ? c.item : c.state.item))
      for (const item of items) if (!refuses(item)) taken.get(app)?.add(item)
      return items
        .filter(refuses)
        .map((item) => ({ item, reason: 'the field price is no number.' }))
    },
  }
  const letters: DeadLetter[] = []
  const applied: Watermark[] = []
  const sink = createIndexSink({
    index,
    store: createMemoryEventStore(events),
    clock,
    telemetry: silentTelemetry,
    primaryEvents: () => [],
    deadLetter: async (letter) => {
      letters.push(letter)
    },
    onApplied: (to) => applied.push(to),
  })
  let next = 0
  const store = async (records: readonly LogRecord[]): Promise<void> => {
    const batch = placed(records, next)
    next += records.length
    const upTo = { generation: 0, offsets: [next] }
    await writer.apply(batch, upTo)
    sink.take(collector.collect(batch), upTo)
    await sink.settled()
  }
  return { sink, store, letters, applied, clock, taken, end: () => next }
}

const isBad = (item: string): boolean => item.startsWith('bad')
let ids = 0
const items = (prefix: string, count: number, app = 1): LogRecord[] =>
  Array.from({ length: count }, (_, i) =>
    setItem(`${prefix}${i}`, { price: i }, { app, eventId: `s${ids++}` }),
  )

describe('an item the index refuses', () => {
  it('gets a letter that can be mended, once a reason, and the others go on', async () => {
    const { sink, store, letters, applied, taken } = given(isBad)
    await store([...items('good', 3), ...items('bad', 1), ...items('more', 3)])
    await store(items('bad', 1))
    assert.equal(taken.get(1)?.size, 6)
    assert.deepEqual(
      letters.map(({ reason, message, sink: by }) => [reason, message, by]),
      [
        [
          'ITEM_REFUSED',
          'The item index refuses the item bad0: the field price is no number.',
          'index',
        ],
      ],
    )
    const record = decodeRecord(Buffer.from(letters[0]?.value ?? '', 'base64'))
    assert.equal(record.kind === 'event' && record.event.event, '$set')
    assert.equal(record.kind === 'event' && record.event.properties, '{"price":0}')
    assert.deepEqual(applied.at(-1)?.offsets, [8])
    assert.deepEqual(sink.stops(), { all: null, apps: [] })
    await sink.close()
  })
})

describe('too many refusals', () => {
  it('of one app stop its index only, and it is made good from the store', async () => {
    let refusing = true
    const { sink, store, letters, applied, clock, taken } = given((item) => refusing && isBad(item))
    await store(items('bad', 20))
    assert.deepEqual(sink.stops().apps, [], '20 are borne')
    await store(items('bad2-', 1))
    assert.deepEqual(
      sink.stops().apps.map(({ app }) => app),
      [1],
    )
    assert.equal(letters.length, 21)
    const health = indexHealth(null, sink.stops(), {
      state: { apps: new Map([[1, { name: 'shop' }]]) },
    } as never)
    assert.equal(health.status, 'failed')
    assert.match(health.detail, /index of app shop stopped.*no number/)

    await store([...items('missed', 5), ...items('other', 5, 2)])
    assert.equal(taken.get(1)?.size, 0)
    assert.equal(taken.get(2)?.size, 5)
    assert.deepEqual(applied.at(-1)?.offsets, [31], 'the sink goes on')

    // Still refused: it stops again, for twice as long, and no letter is written twice.
    await until(() => clock.sleeping === 1)
    clock.advance(MEND_FIRST_MS)
    await until(() => clock.sleeping === 1)
    assert.equal(sink.stops().apps.length, 1)
    assert.equal(letters.length, 21)
    refusing = false
    clock.advance(MEND_FIRST_MS)
    assert.equal(sink.stops().apps.length, 1)
    clock.advance(MEND_FIRST_MS)
    await until(() => sink.stops().apps.length === 0)
    assert.equal(taken.get(1)?.size, 26)
    await store(items('later', 1))
    assert.ok(taken.get(1)?.has('later0'))
    await sink.close()
  })

  it('of several apps stop the sink, and its watermark stands', async () => {
    const { sink, store, applied, taken } = given(isBad)
    await store([...items('bad', 11), ...items('bad', 10, 2)])
    assert.match(sink.stops().all ?? '', /no number/)
    assert.deepEqual(applied, [])
    await store(items('good', 5))
    assert.equal(taken.get(1)?.size, 0)
    assert.equal(indexHealth(null, sink.stops(), {} as never).status, 'failed')
    await sink.close()
  })

  it('do not keep deleted data in the index', async () => {
    const { sink, store, taken } = given(isBad)
    await store([...items('good', 5), ...items('bad', 21)])
    assert.equal(sink.stops().apps.length, 1)
    assert.equal(taken.get(1)?.size, 5)
    await store([dataDelete(1), ...items('new', 1)])
    assert.equal(taken.get(1)?.size, 0)
    await sink.forget(1)
    assert.deepEqual(sink.stops().apps, [])
    await sink.close()
  })
})
