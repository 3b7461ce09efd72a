import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StoreWriter } from '#ports/event-store'
import { createStoreSink } from '../../streams/store-sink.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createMemoryEvents, createMemoryStoreWriter } from '../support/memory/event-store.ts'
import { placed, viewOf } from '../support/stream-records.ts'

const to = (offset: number) => ({ generation: 0, offsets: [offset] })

function given(flushed: () => Promise<void> = async () => {}) {
  const clock = createManualClock()
  let flushes = 0
  const writer: StoreWriter = {
    ...createMemoryStoreWriter(createMemoryEvents()),
    flushed: () => {
      flushes++
      return flushed()
    },
  }
  return { clock, writer, sink: createStoreSink({ writer, clock }), flushes: () => flushes }
}

describe('store sink', () => {
  it('begins where the store is durable', async () => {
    const { sink, writer } = given()
    await writer.apply(placed([viewOf('a')]), to(1))
    assert.deepEqual(await sink.start(), to(1))
  })

  it('refuses an id that is taken by another event, and no plain repeat', async () => {
    const { sink } = given()
    const first = viewOf('a', { eventId: 'e1' })
    const other = viewOf('b', { eventId: 'e1', appendId: 'another' })
    const refusals = await sink.apply(placed([first, first, other]), to(3))
    assert.deepEqual(
      refusals.map(({ placed: { offset }, code }) => [offset, code]),
      [[2, 'EVENT_ID_REUSED']],
    )
  })

  it('shows each batch before it applies it, so that a thread that dies then has said what it touched', async () => {
    const { clock, writer } = given()
    const seen: number[] = []
    const failing: StoreWriter = { ...writer, apply: () => Promise.reject(new Error('died')) }
    const onRecords = (records: readonly unknown[]) => seen.push(records.length)
    const sink = createStoreSink({ writer: failing, clock, onRecords })
    await assert.rejects(() => sink.apply(placed([viewOf('a')]), to(1)), /died/)
    assert.deepEqual(seen, [1])
  })

  it('makes durable once a second, and at the end', async () => {
    const { sink, clock, flushes } = given()
    await sink.apply(placed([viewOf('a')]), to(1))
    assert.equal(flushes(), 0)
    clock.advance(1000)
    await sink.apply(placed([viewOf('b')], 1), to(2))
    await sink.apply(placed([viewOf('c')], 2), to(3))
    assert.equal(flushes(), 1)
    await sink.stop()
    assert.equal(flushes(), 2)
  })

  it('reports a failed flush with the next batch', async () => {
    const { sink, clock } = given(() => Promise.reject(new Error('disk')))
    clock.advance(1000)
    await sink.apply(placed([viewOf('a')]), to(1))
    await new Promise((resolve) => setImmediate(resolve))
    await assert.rejects(async () => sink.apply(placed([viewOf('b')], 1), to(2)), /disk/)
    await sink.apply(placed([viewOf('b')], 1), to(2))
  })
})
