import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDeadlines, TOO_LATE } from '../../serving/deadline.ts'
import { createManualClock } from '../support/memory/clock.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const never = <T>(): Promise<T> => new Promise<T>(() => {})

/** Moves the clock in small steps, and lets what wakes run. */
async function pass(clock: ReturnType<typeof createManualClock>, ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 5) {
    clock.advance(5)
    await settle()
  }
}

test('a result in time is passed on, and so is a failure', async () => {
  const deadlines = createDeadlines(createManualClock())
  assert.equal(await deadlines.within(Promise.resolve(7), 10), 7)
  await assert.rejects(deadlines.within(Promise.reject(new Error('no')), 10), /no/)
})

test('what takes longer is given up, each at its own time, the shorter first', async () => {
  const clock = createManualClock()
  const deadlines = createDeadlines(clock)
  const ended: string[] = []
  const wait = (name: string, ms: number): Promise<unknown> =>
    deadlines.within(never(), ms).then((result) => {
      assert.equal(result, TOO_LATE)
      ended.push(`${name} at ${clock.monotonic()}`)
    })
  const waits = [wait('long', 200), wait('short', 50), wait('middle', 100)]
  await pass(clock, 200)
  await Promise.all(waits)
  assert.deepEqual(ended, ['short at 50', 'middle at 100', 'long at 200'])
})

test('a result or failure that comes too late is dropped', async () => {
  const clock = createManualClock()
  const deadlines = createDeadlines(clock)
  let fail: (error: Error) => void = () => {}
  const late = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  const answer = deadlines.within(late, 20)
  await pass(clock, 25)
  assert.equal(await answer, TOO_LATE)
  fail(new Error('nobody waits any more'))
  await settle()
})

test('nothing sleeps once all is answered', async () => {
  const clock = createManualClock()
  const deadlines = createDeadlines(clock)
  for (let i = 0; i < 1000; i++) await deadlines.within(Promise.resolve(i), 200)
  assert.equal(clock.sleeping, 1)
  await pass(clock, 25)
  assert.equal(clock.sleeping, 0)
})
