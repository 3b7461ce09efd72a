import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '#ports/errors'
import type { ProducePart } from '../../infra/kafka/client.ts'
import { createProducerLane, type Remedy, type Sent } from '../../infra/kafka/producer-lane.ts'
import { createManualClock } from '../support/memory/clock.ts'

const value = (text: string): Buffer => Buffer.from(text)

/** A broker whose answers the test gives, one by one. */
function createBroker(remedy: Remedy = 'again') {
  const clock = createManualClock()
  const sent: (readonly [partition: number, texts: string])[][] = []
  const open: PromiseWithResolvers<Sent>[] = []
  const told: (string | null)[] = []
  let renewed = 0
  const lane = createProducerLane({
    clock,
    send: (parts: readonly ProducePart[]) => {
      sent.push(parts.map(({ partition, values }) => [partition, values.map(String).join()]))
      const answer = Promise.withResolvers<Sent>()
      open.push(answer)
      return answer.promise
    },
    remedy: () => remedy,
    renew: async () => {
      renewed++
    },
    toError: (error) => new MillraceError('LOG_UNAVAILABLE', { reason: String(error) }),
    onTrouble: (error) => told.push(error?.code ?? null),
  })
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  const answer = async (first: Record<number, number>): Promise<void> => {
    await turn()
    const stored = new Map(Object.entries(first).map(([p, at]) => [Number(p), at]))
    open.shift()?.resolve({ stored, failure: new Error('one leader is gone') })
    await turn()
  }
  const fail = async (): Promise<void> => {
    await turn()
    open.shift()?.reject(new Error('gone'))
    await turn()
  }
  return { lane, clock, sent, told, turn, answer, fail, renewed: () => renewed }
}

test('producer lane: a lone append goes at once, what comes meanwhile is the next group', async () => {
  const { lane, clock, sent, turn, answer } = createBroker()
  const first = lane.append(0, [value('a')])
  await turn()
  assert.deepEqual(sent, [[[0, 'a']]])
  const others = [
    lane.append(1, [value('b'), value('c')]),
    lane.append(0, [value('d')]),
    lane.append(1, [value('e')]),
  ]
  clock.advance(10)
  await answer({ 0: 7 })
  assert.equal(await first, 7)
  assert.deepEqual(sent[1], [
    [1, 'b,c,e'],
    [0, 'd'],
  ])
  await answer({ 0: 8, 1: 40 })
  assert.deepEqual(await Promise.all(others), [40, 8, 42])
})

test('producer lane: under load groups begin 3 ms apart, unless one is full', async () => {
  const { lane, clock, sent, turn, answer } = createBroker()
  void lane.append(0, [value('a')])
  await answer({ 0: 0 })
  void lane.append(0, [value('b')])
  await turn()
  assert.equal(sent.length, 1)
  clock.advance(3)
  await answer({ 0: 1 })
  assert.deepEqual(sent[1], [[0, 'b']])
  void lane.append(0, [value('c')])
  await turn()
  for (let i = 0; i < 500; i++) void lane.append(0, [value('d')])
  await turn()
  assert.equal(sent.length, 3)
  assert.equal(sent[2]?.[0]?.[1].split(',').length, 500)
})

test('producer lane: a failed group is sent again as it was, with nothing of what came later', async () => {
  const { lane, clock, sent, told, answer, fail, turn } = createBroker()
  const first = lane.append(0, [value('a')])
  await fail()
  const second = lane.append(0, [value('b')])
  clock.advance(100)
  await turn()
  assert.deepEqual(sent, [[[0, 'a']], [[0, 'a']]])
  await answer({ 0: 3 })
  await answer({ 0: 4 })
  assert.deepEqual(await Promise.all([first, second]), [3, 4])
  assert.deepEqual(told, ['LOG_UNAVAILABLE', null])
})

test('producer lane: what one leader has stored is not sent again with what another has not', async () => {
  const { lane, clock, sent, answer, turn } = createBroker()
  const appends = [lane.append(0, [value('a')]), lane.append(1, [value('b')])]
  await answer({ 0: 3 })
  clock.advance(100)
  await turn()
  assert.deepEqual(sent[1], [[1, 'b']])
  await answer({ 1: 7 })
  assert.deepEqual(await Promise.all(appends), [3, 7])
})

test('producer lane: of a group that is given up, what is stored is acknowledged', async () => {
  const { lane, clock, answer, fail, turn } = createBroker()
  const stored = lane.append(0, [value('a')])
  const given = assert.rejects(lane.append(1, [value('b')]), { code: 'LOG_UNAVAILABLE' })
  await answer({ 0: 3 })
  clock.advance(30_000)
  await turn()
  await fail()
  await given
  assert.equal(await stored, 3)
})

test('producer lane: a spent producer is replaced before the group is sent again', async () => {
  const { lane, clock, answer, fail, turn, renewed } = createBroker('renew')
  const append = lane.append(0, [value('a')])
  await fail()
  assert.equal(renewed(), 0)
  clock.advance(100)
  await turn()
  assert.equal(renewed(), 1)
  await answer({ 0: 3 })
  assert.equal(await append, 3)
})

test('producer lane: what is refused fails at once, and the next append goes on', async () => {
  const { lane, clock, answer, fail } = createBroker('refuse')
  const refused = assert.rejects(lane.append(0, [value('a')]), { code: 'LOG_UNAVAILABLE' })
  await fail()
  await refused
  clock.advance(10)
  const next = lane.append(0, [value('b')])
  await answer({ 0: 3 })
  assert.equal(await next, 3)
})

test('producer lane: a group is given up after 30 s, and none is begun when the lane is closing', async () => {
  const { lane, clock, fail, turn } = createBroker()
  const given = assert.rejects(lane.append(0, [value('a')]), { code: 'LOG_UNAVAILABLE' })
  await fail()
  clock.advance(30_000)
  await turn()
  await fail()
  await given
  const late = assert.rejects(lane.append(0, [value('b')]), { code: 'LOG_UNAVAILABLE' })
  await fail()
  const closed = lane.close()
  await turn()
  await fail()
  await Promise.all([late, closed])
  await assert.rejects(lane.append(0, [value('c')]), { code: 'LOG_UNAVAILABLE' })
})

test('producer lane: refuses more than 256 MiB that wait', async () => {
  const { lane, answer } = createBroker()
  const mebibytes = Buffer.alloc(64 * 1024 * 1024)
  const waiting = [0, 1, 2, 3].map(() => lane.append(0, [mebibytes]))
  await assert.rejects(lane.append(0, [value('more')]), { code: 'OVERLOADED' })
  await answer({ 0: 0 })
  assert.equal(await waiting[0], 0)
})
