// The parts of HBase's scans that need no server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readAhead } from '../../infra/hbase/read-ahead.ts'
import { partsOf } from '../../infra/hbase/scan.ts'
import { sideBySide } from '../../infra/hbase/side-by-side.ts'

test('hbase: a range cut where regions begin is the whole range, each key in one part', () => {
  const key = fc.uint8Array({ minLength: 0, maxLength: 3 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(
      key,
      key,
      fc.uniqueArray(key, { selector: String }),
      key,
      (start, end, some, at) => {
        const stop = end.length > 0 && Buffer.compare(end, start) <= 0 ? Buffer.alloc(0) : end
        const isIn = (range: { start: Buffer; stop: Buffer }): boolean =>
          Buffer.compare(range.start, at) <= 0 &&
          (range.stop.length === 0 || Buffer.compare(at, range.stop) < 0)
        const parts = partsOf({ start, stop }, some.toSorted(Buffer.compare))
        assert.equal(parts.filter(isIn).length, isIn({ start, stop }) ? 1 : 0)
        for (const part of parts) assert.ok(part.stop.length === 0 || !part.start.equals(part.stop))
      },
    ),
  )
})

/** Streams that count how many of them are open, and which were left. */
function countingStreams(lengths: readonly number[]) {
  const opened = { now: 0, most: 0, closed: 0 }
  const streams = lengths.map(async function* (length, stream) {
    opened.most = Math.max(opened.most, ++opened.now)
    try {
      for (let i = 0; i < length; i++) {
        await new Promise(setImmediate)
        yield `${stream}-${i}`
      }
    } finally {
      opened.now--
      opened.closed++
    }
  })
  return { opened, streams }
}

test('hbase: streams side by side give every value once, so many at a time', async () => {
  const { opened, streams } = countingStreams([3, 0, 5, 1, 2])
  const found = await Array.fromAsync(sideBySide(streams, 2))
  const wanted = [3, 0, 5, 1, 2].flatMap((n, s) => Array.from({ length: n }, (_, i) => `${s}-${i}`))
  assert.deepEqual(found.sort(), wanted.sort())
  assert.deepEqual(opened, { now: 0, most: 2, closed: 5 })
  assert.deepEqual(await Array.fromAsync(sideBySide([], 2)), [])
})

test('hbase: who leaves streams closes them; an error of one ends all', async () => {
  const left = countingStreams([5, 5, 5])
  for await (const value of sideBySide(left.streams, 2)) if (value) break
  assert.equal(left.opened.now, 0)
  const others = countingStreams([5, 5])
  const failing = (async function* (): AsyncGenerator<string> {
    yield 'one'
    throw new Error('a region is gone')
  })()
  await assert.rejects(
    Array.fromAsync(sideBySide([...others.streams, failing], 3)),
    /a region is gone/,
  )
  assert.equal(others.opened.now, 0)
})

test('hbase: reading ahead gives the same, asks for one more, and tells errors in their place', async () => {
  let asked = 0
  const numbers = async function* (failAt: number): AsyncGenerator<number> {
    for (let i = 0; i < 4; i++) {
      if (i === failAt) throw new Error('lost')
      asked++
      yield i
    }
  }
  assert.deepEqual(await Array.fromAsync(readAhead(numbers(9))), [0, 1, 2, 3])
  asked = 0
  for await (const first of readAhead(numbers(9))) {
    await new Promise(setImmediate)
    assert.deepEqual([first, asked], [0, 2])
    break
  }
  const seen: number[] = []
  await assert.rejects(async () => {
    for await (const number of readAhead(numbers(2))) seen.push(number)
  }, /lost/)
  assert.deepEqual(seen, [0, 1])
})
