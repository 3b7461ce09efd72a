import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogLevel, Telemetry } from '#ports/telemetry'
import { createPoller, type PartitionState } from '../../infra/kafka/poller.ts'
import type { FetchedPart, FetchPart, ReadConnection } from '../../infra/kafka/read-connection.ts'
import { RecordRun } from '../../infra/kafka/record-run.ts'
import { createManualClock } from '../support/memory/clock.ts'

interface Poll {
  readonly parts: readonly FetchPart[]
  readonly waitMs: number
  readonly answer: PromiseWithResolvers<FetchedPart[]>
}

/** A poller of two partitions whose polls the test answers. */
function createPolled() {
  const clock = createManualClock()
  const polls: Poll[] = []
  const lines: (readonly [LogLevel, string])[] = []
  const telemetry: Telemetry = {
    emit: () => {},
    log: (level, event) => lines.push([level, event]),
  }
  let end = 0
  let leaderless = false
  const connection: ReadConnection = {
    leaders: async (partitions) => new Map(leaderless ? [] : [['1', partitions]]),
    fetch: (_leader, parts, waitMs) => {
      const answer = Promise.withResolvers<FetchedPart[]>()
      polls.push({ parts, waitMs, answer })
      return answer.promise
    },
    offsets: async (partitions) => partitions.map(() => end),
    close: async () => {},
  }
  const states = [0, 1].map(
    (): PartitionState => ({
      ...{ end: 0, run: null, readAt: Number.NEGATIVE_INFINITY, waiters: new Set() },
      ...{ reachedEndAt: Number.NEGATIVE_INFINITY, polledFrom: -1 },
    }),
  )
  const options = { topic: 'events', connection, partitions: states, clock, telemetry, paceMs: 5 }
  const poller = createPoller(options)
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  /** Somebody waits for a record at an offset; false until it is there. */
  const wait = (partition: number, offset: number): { woken: boolean } => {
    const told = { woken: false }
    const state = states[partition] as PartitionState
    const waiter = {
      offset,
      wake: () => {
        told.woken = true
        state.waiters.delete(waiter)
      },
    }
    state.waiters.add(waiter)
    state.run ??= new RecordRun(offset)
    poller.kick()
    return told
  }
  const reply = async (...parts: FetchedPart[]): Promise<void> => {
    polls.at(-1)?.answer.resolve(parts)
    await turn()
  }
  const fail = async (error: Error): Promise<void> => {
    polls.at(-1)?.answer.reject(error)
    await turn()
  }
  const set = (values: { end?: number; leaderless?: boolean }): void => {
    end = values.end ?? end
    leaderless = values.leaderless ?? leaderless
  }
  return { clock, states, poller, polls, lines, turn, wait, reply, fail, set }
}

const one = (partition: number, offset: number): FetchedPart => ({
  ...{ partition, end: offset + 1, next: offset + 1 },
  records: [{ offset, value: Buffer.from('x') }],
})
const none = (partition: number, end: number): FetchedPart => ({
  ...{ partition, end, next: end, records: [] },
})

test('poller: one poll for all who wait, paced, and none when nobody waits', async () => {
  const { clock, polls, turn, wait, reply } = createPolled()
  const [first, second] = [wait(0, 0), wait(1, 0)]
  await turn()
  assert.equal(polls.length, 1)
  assert.deepEqual(
    polls[0]?.parts.map(({ partition, from }) => [partition, from]),
    [
      [0, 0],
      [1, 0],
    ],
  )
  assert.equal(polls[0]?.waitMs, 500)
  await reply(one(0, 0), none(1, 0))
  assert.deepEqual([first.woken, second.woken], [true, false])
  assert.equal(polls.length, 1)
  clock.advance(5)
  await turn()
  assert.deepEqual(
    polls[1]?.parts.map(({ partition, from }) => [partition, from]),
    [[1, 0]],
  )
  clock.advance(100)
  await reply(one(1, 0))
  assert.equal(second.woken, true)
  assert.equal(polls.length, 2)
})

test('poller: a failure is told once, polls are tried again after longer pauses, and recovery is told', async () => {
  const { clock, polls, lines, turn, wait, reply, fail } = createPolled()
  const told = wait(0, 0)
  await turn()
  for (const pause of [50, 100, 200]) {
    const before = polls.length
    await fail(new Error('gone'))
    clock.advance(pause - 1)
    await turn()
    assert.equal(polls.length, before)
    clock.advance(1)
    await turn()
    assert.equal(polls.length, before + 1)
  }
  await reply(one(0, 0))
  clock.advance(5)
  await turn()
  assert.equal(told.woken, true)
  assert.deepEqual(lines, [
    ['warn', 'log-poll-failed'],
    ['info', 'log-poll-recovered'],
  ])
})

test('poller: a partition without a leader is waited for', async () => {
  const { clock, polls, turn, wait, set } = createPolled()
  set({ leaderless: true })
  wait(0, 0)
  await turn()
  assert.equal(polls.length, 0)
  set({ leaderless: false })
  clock.advance(50)
  await turn()
  assert.equal(polls.length, 1)
})

test('poller: who waits where the log was trimmed, or far behind its end, is put at the end', async () => {
  const { clock, states, polls, turn, wait, fail, set } = createPolled()
  const trimmed = wait(0, 3)
  const future = wait(1, 50)
  await turn()
  set({ end: 10 })
  const outside = (partition: number): Error =>
    Object.assign(new Error('out'), { name: 'KafkaJSOffsetOutOfRange', partition })
  await fail(outside(0))
  assert.equal(trimmed.woken, true)
  await fail(outside(1))
  clock.advance(5)
  await turn()
  assert.equal(future.woken, false)
  assert.equal(states[1]?.run?.next, 10)
  assert.deepEqual(
    polls.at(-1)?.parts.map(({ partition, from }) => [partition, from]),
    [[1, 10]],
  )
})

test('poller: a full run leaves the request for a moment, but who waits hears of the end', async () => {
  const { clock, states, polls, turn, wait, reply } = createPolled()
  wait(0, 0)
  await turn()
  const large = { offset: 0, value: Buffer.alloc(2 * 1024 * 1024) }
  const waiting = wait(0, 5)
  await reply({ partition: 0, end: 1, next: 1, records: [large] })
  clock.advance(5)
  await turn()
  assert.deepEqual(polls.at(-1)?.parts, [{ partition: 0, from: 1, maxBytes: 1 }])
  await reply({ ...none(0, 7), next: 1 })
  assert.equal(waiting.woken, true)
  assert.equal(states[0]?.end, 7)
})

test('poller: closing ends the pauses and starts no poll', async () => {
  const { poller, polls, turn, wait, fail } = createPolled()
  wait(0, 0)
  await turn()
  await fail(new Error('gone'))
  await poller.close()
  wait(1, 0)
  await turn()
  assert.equal(polls.length, 1)
})
