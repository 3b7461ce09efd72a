import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTouchCollector } from '../../streams/item-touches.ts'
import {
  dataDelete,
  deletionOf,
  eventRecord,
  placed,
  setItem,
  viewOf,
} from '../support/stream-records.ts'

const collector = (told?: number) => {
  const touches = createTouchCollector(told)
  touches.setPrimaryEvents(new Map([[1, new Set(['view'])]]))
  return touches
}

describe('item touches', () => {
  it('names items whose state changed, each once', () => {
    const set = setItem('a', { price: 1 })
    const touched = collector().collect(
      placed([set, setItem('a', { price: 2 }), setItem('b', {}), deletionOf(set)]),
    )
    assert.deepEqual(touched, [{ app: 1, reset: false, states: ['a', 'b'], seen: [] }])
  })

  it('names targets of primary events once, over batches', () => {
    const touches = collector()
    const first = touches.collect(placed([viewOf('a'), viewOf('b'), viewOf('a')]))
    assert.deepEqual(first, [
      { app: 1, reset: false, states: [], seen: [{ event: 'view', items: ['a', 'b'] }] },
    ])
    assert.deepEqual(touches.collect(placed([viewOf('b')])), [])
  })

  it('leaves alone users, other channels, other apps and other events', () => {
    const touched = collector().collect(
      placed([
        eventRecord({ event: '$set', entityType: 'user', entityId: 'u' }),
        setItem('a', {}, { channel: 1 }),
        viewOf('a', { channel: 1 }),
        viewOf('a', { app: 2 }),
        viewOf('a', { event: 'buy' }),
        viewOf('a', { targetEntityType: 'page' }),
      ]),
    )
    assert.deepEqual(touched, [])
  })

  it('asks for a reset when data were deleted, and tells items anew after it', () => {
    const touches = collector()
    touches.collect(placed([viewOf('a')]))
    assert.deepEqual(touches.collect(placed([dataDelete(1), viewOf('a')])), [
      { app: 1, reset: true, states: [], seen: [{ event: 'view', items: ['a'] }] },
    ])
    assert.deepEqual(touches.collect(placed([dataDelete(1, 3)])), [])
  })

  it('forgets what it told when it is too much', () => {
    const touches = collector(2)
    const seen = (...items: string[]) =>
      touches
        .collect(placed(items.map((item) => viewOf(item))))
        .flatMap((t) => t.seen.flatMap((s) => s.items))
    assert.deepEqual(seen('a', 'b', 'c', 'a'), ['a', 'b', 'c', 'a'])
  })
})
