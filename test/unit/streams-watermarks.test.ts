import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Watermark } from '#schemas/position'
import { createWatermarks } from '../../streams/watermarks.ts'
import { createManualClock } from '../support/memory/clock.ts'
import { createRandom } from '../support/random.ts'

const at = (...offsets: number[]): Watermark => ({ generation: 0, offsets })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function given(partitions = 1) {
  const clock = createManualClock()
  const watermarks = createWatermarks({ partitions, generation: 0, clock })
  const answers: string[] = []
  const wait = (name: string, wanted: Watermark, ms = 1000, sink = 'store' as const): void => {
    void watermarks.waitFor(sink, wanted, ms).then((reached) => answers.push(`${name}:${reached}`))
  }
  return { clock, watermarks, answers, wait }
}

describe('watermarks', () => {
  it('answers at once what is applied', async () => {
    const { watermarks, clock } = given()
    watermarks.advance('store', at(5))
    assert.equal(await watermarks.waitFor('store', at(5), 1000), true)
    assert.equal(clock.sleeping, 0)
  })

  it('wakes exactly those whose place is reached, in any order of asking', async () => {
    const { watermarks, answers, wait } = given()
    wait('c', at(3))
    wait('a', at(1))
    wait('b', at(2))
    watermarks.advance('store', at(2))
    await turn()
    assert.deepEqual(answers, ['a:true', 'b:true'])
    watermarks.advance('store', at(9))
    await turn()
    assert.deepEqual(answers, ['a:true', 'b:true', 'c:true'])
  })

  it('waits for every partition', async () => {
    const { watermarks, answers, wait } = given(3)
    wait('a', at(1, 0, 2))
    watermarks.advance('store', at(5, 5, 1))
    await turn()
    assert.deepEqual(answers, [])
    watermarks.advance('store', at(0, 0, 2))
    await turn()
    assert.deepEqual(answers, ['a:true'])
    assert.deepEqual(watermarks.applied('store'), at(5, 5, 2))
  })

  it('keeps sinks apart and never moves back', async () => {
    const { watermarks, answers, wait } = given()
    wait('store', at(1))
    watermarks.advance('index', at(7))
    watermarks.advance('index', at(3))
    await turn()
    assert.deepEqual(answers, [])
    assert.deepEqual(watermarks.applied('index'), at(7))
    assert.deepEqual(watermarks.applied('store'), at(0))
  })

  it('tells false when the time is over, each at its own time', async () => {
    const { watermarks, clock, answers, wait } = given()
    wait('slow', at(1), 1000)
    wait('quick', at(1), 100)
    clock.advance(99)
    await turn()
    assert.deepEqual(answers, [])
    clock.advance(1)
    await turn()
    assert.deepEqual(answers, ['quick:false'])
    clock.advance(900)
    await turn()
    assert.deepEqual(answers, ['quick:false', 'slow:false'])
    watermarks.advance('store', at(1))
    await turn()
    assert.equal(answers.length, 2)
  })

  it('tells false to all who wait when it is closed', async () => {
    const { watermarks, clock, answers, wait } = given()
    wait('a', at(1))
    watermarks.close()
    await turn()
    assert.deepEqual(answers, ['a:false'])
    assert.equal(await watermarks.waitFor('store', at(1), 1000), false)
    assert.equal(clock.sleeping, 0)
  })

  it('serves thousands of waiters over several partitions', async () => {
    const random = createRandom(7)
    const { watermarks } = given(4)
    const waits = Array.from({ length: 5000 }, () =>
      watermarks.waitFor('store', at(...[0, 0, 0, 0].map(() => random.below(1000))), 1e6),
    )
    const offsets = [0, 0, 0, 0]
    while (offsets.some((offset) => offset < 1000)) {
      const p = random.below(4)
      offsets[p] = (offsets[p] ?? 0) + random.below(20)
      watermarks.advance('store', at(...offsets))
    }
    assert.ok((await Promise.all(waits)).every((reached) => reached))
  })
})
