import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { createTopicReader } from '../../infra/kafka/log-reader.ts'
import type { FetchPart, ReadConnection } from '../../infra/kafka/read-connection.ts'
import { RecordRun } from '../../infra/kafka/record-run.ts'
import { createSharedQuestion } from '../../infra/kafka/shared-question.ts'

const record = (offset: number, text = 'x') => ({ offset, value: Buffer.from(text) })
const offsetsOf = (batch: { records: readonly { offset: number }[] } | null): number[] | null =>
  batch?.records.map(({ offset }) => offset) ?? null

test('record run: joins what was fetched, passes over what it has, and has no gaps', () => {
  const run = new RecordRun(5)
  const part = (offsets: number[]) => ({
    partition: 0,
    end: 99,
    records: offsets.map((offset) => record(offset)),
    next: (offsets.at(-1) ?? 0) + 1,
  })
  assert.ok(run.extend(5, part([5, 6, 7])))
  assert.ok(run.extend(6, part([6, 7, 8])))
  assert.ok(!run.extend(10, part([10])))
  assert.equal(run.next, 9)
  assert.deepEqual(offsetsOf(run.take(6, 2)), [6, 7])
  assert.equal(run.take(5, 1), null)
  assert.deepEqual(offsetsOf(run.take(8, 100)), [8])
  assert.equal(run.take(9, 100), null)
  assert.equal(run.bytes, 1)
})

test('record run: passes over offsets that hold no record', () => {
  const run = new RecordRun(0)
  run.extend(0, { partition: 0, end: 9, records: [record(2)], next: 4 })
  assert.deepEqual(run.take(0, 100), { records: [record(2)], next: 4 })
  assert.deepEqual(run.take(3, 100), { records: [], next: 4 })
})

test('shared question: who asks shares only an answer that is asked for later', async () => {
  const asked: PromiseWithResolvers<number>[] = []
  const ask = createSharedQuestion(() => {
    const answer = Promise.withResolvers<number>()
    asked.push(answer)
    return answer.promise
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const first = [ask(), ask()]
  await turn()
  const second = [ask(), ask()]
  await turn()
  assert.equal(asked.length, 1)
  asked[0]?.resolve(1)
  assert.deepEqual(await Promise.all(first), [1, 1])
  await turn()
  assert.equal(asked.length, 2)
  asked[1]?.reject(new Error('gone'))
  await Promise.all(second.map((one) => assert.rejects(one)))
  const third = ask()
  await turn()
  asked[2]?.resolve(3)
  assert.equal(await third, 3)
})

/** A broker of three partitions in memory; a long poll is answered when something is appended. */
function createBroker() {
  const logs = [0, 1, 2].map((): string[] => [])
  const polls = new Set<() => void>()
  const requests: { waitMs: number; parts: readonly FetchPart[] }[] = []
  const found = (parts: readonly FetchPart[]) =>
    parts.map(({ partition, from }) => {
      const log = logs[partition] as string[]
      if (from > log.length) {
        throw Object.assign(new Error('out'), { name: 'KafkaJSOffsetOutOfRange', partition })
      }
      const records = log.slice(from).map((text, i) => record(from + i, text))
      return { partition, end: log.length, records, next: log.length }
    })
  const connection: ReadConnection = {
    leaders: async (partitions) => new Map([['1', partitions]]),
    fetch: async (_leader, parts, waitMs) => {
      requests.push({ waitMs, parts })
      if (waitMs > 0 && found(parts).every(({ records }) => records.length === 0)) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            clearTimeout(timer)
            polls.delete(done)
            resolve()
          }
          const timer = setTimeout(done, waitMs)
          polls.add(done)
        })
      }
      return found(parts)
    },
    offsets: async (partitions, which) =>
      partitions.map((p) => (which === 'end' ? (logs[p]?.length ?? 0) : 0)),
    close: async () => {},
  }
  const append = (partition: number, text: string): void => {
    logs[partition]?.push(text)
    for (const done of [...polls]) done()
  }
  const telemetry = silentTelemetry
  const options = { topic: 'events', connection, partitions: 3, clock: systemClock, telemetry }
  return { reader: createTopicReader(options), append, requests }
}

test('topic reader: reads of one turn are one request, and a wait brings the record with it', async (t) => {
  const { reader, append, requests } = createBroker()
  t.after(() => reader.close())
  await Promise.all([0, 1, 2].map((p) => reader.read(p, 0, 100)))
  assert.deepEqual(
    requests.map(({ waitMs, parts }) => [waitMs, parts.length]),
    [[0, 3]],
  )
  const never = new AbortController().signal
  const wait = reader.waitFor(2, 0, never)
  await new Promise((resolve) => setTimeout(resolve, 10))
  append(2, 'a')
  await wait
  const prompt = requests.filter(({ waitMs }) => waitMs === 0).length
  const batch = await reader.read(2, 0, 100)
  assert.deepEqual(offsetsOf(batch), [0])
  assert.equal(requests.filter(({ waitMs }) => waitMs === 0).length, prompt)
})

test('topic reader: never says that nothing is there when it knows a later end', async (t) => {
  const { reader, append } = createBroker()
  t.after(() => reader.close())
  assert.deepEqual(await reader.read(0, 0, 100), { records: [], next: 0 })
  append(0, 'a')
  reader.moveEnd(0, 1)
  assert.deepEqual(offsetsOf(await reader.read(0, 0, 100)), [0])
  append(0, 'b')
  assert.equal(await reader.end(0), 2)
  assert.deepEqual(offsetsOf(await reader.read(0, 1, 100)), [1])
})

test('topic reader: one partition out of range does not spoil the reads of the others', async (t) => {
  const { reader, append } = createBroker()
  t.after(() => reader.close())
  append(0, 'a')
  append(1, 'b')
  const [first, far, second] = await Promise.all([
    reader.read(0, 0, 100),
    reader.read(2, 7, 100),
    reader.read(1, 0, 100),
  ])
  assert.deepEqual([offsetsOf(first), offsetsOf(far), offsetsOf(second)], [[0], [], [0]])
})
