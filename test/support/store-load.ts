// Events written into an event store by one writer, batch by batch, while readers ask for them in every way: what was
// acknowledged before a read began is in its answer, once, and nothing that was never sent.
import assert from 'node:assert/strict'
import { type EventStore, everyEvent, type StoreWriter } from '#ports/event-store'
import { placed, setItem, viewOf } from './stream-records.ts'
import { until } from './until.ts'

export interface StoreLoad {
  /** Events acknowledged so far. */
  readonly acknowledged: number
  /** Answers that were checked. */
  readonly reads: number
  /** Longest wait for a batch, milliseconds. */
  readonly longestMs: number
  /** Waits until so many are acknowledged; fails when a write or a read has. */
  reach(count: number, ms: number): Promise<void>
  /** Stops, then compares everything that is stored with what was acknowledged. Returns the counts as text. */
  end(): Promise<string>
}

const APP = 1
const BATCH = 60
const USERS = 12
const HISTORY = 20
const TIME = 1_700_000_000_000

/** Number i of the events; the first of a batch sets a property of one item to the number of the batch. */
function recordOf(i: number) {
  const fields = { app: APP, eventId: `id-${i}`, eventTime: TIME + i }
  return i % BATCH === 0
    ? setItem('counter', { batch: i / BATCH }, fields)
    : viewOf(`item-${i}`, { ...fields, entityId: `user-${i % USERS}` })
}

const numberOf = (id: string): number => Number(id.slice(id.lastIndexOf('-') + 1))

/** Goes on where the load of another writer of the same store has ended. */
export async function startStoreLoad(writer: StoreWriter, store: EventStore): Promise<StoreLoad> {
  let over = false
  let acknowledged = (await writer.committed()).offsets[0] ?? 0
  let sent = acknowledged
  let reads = 0
  let longestMs = 0

  const write = async (): Promise<void> => {
    while (!over) {
      const batch = Array.from({ length: BATCH }, (_, i) => recordOf(sent + i))
      const from = sent
      sent += BATCH
      const began = performance.now()
      await writer.apply(placed(batch, from), { generation: 0, offsets: [sent] })
      longestMs = Math.max(longestMs, performance.now() - began)
      acknowledged = sent
    }
  }
  const readers: readonly (() => Promise<void>)[] = [
    async () => {
      const known = acknowledged
      const numbers: number[] = []
      for await (const { eventId } of store.find(everyEvent(APP, 0)))
        numbers.push(numberOf(eventId))
      assert.deepEqual(numbers.slice(0, known), countTo(known), 'a scan of all')
      assertSent(numbers, sent)
    },
    async () => {
      const known = acknowledged
      const user = reads % USERS
      const events = [{ event: 'view', limit: HISTORY }]
      const asked = { app: APP, channel: 0, entityType: 'user', entityId: `user-${user}`, events }
      const numbers = (await store.history(asked)).map((event) => numberOf(event.targetEntityId))
      assertSent(numbers, sent)
      const old = numbers.filter((number) => number < known)
      const room = HISTORY - (numbers.length - old.length)
      assert.deepEqual(old, newestViews(user, known).slice(0, room), 'a history')
    },
    async () => {
      const known = acknowledged
      const number = (reads * 7919) % Math.max(1, known)
      const event = await store.get(APP, 0, `id-${number}`)
      if (known > 0) assert.equal(event?.eventTime, TIME + number, 'an event by its id')
    },
    async () => {
      const known = acknowledged
      const state = await store.state(APP, 0, 'item', 'counter')
      const cell = state?.properties.get('batch')
      const batch = Number(cell?.value ?? -1)
      const [least, most] = [known / BATCH - 1, sent / BATCH - 1]
      assert.ok(batch >= least && batch <= most, `batch ${batch} is not in ${least}–${most}`)
    },
  ]
  const read = async (reader: () => Promise<void>): Promise<void> => {
    while (!over) {
      await reader()
      reads++
    }
  }
  const running = Promise.all([write(), ...readers.map(read)])
  running.catch(() => {
    over = true
  })
  return {
    get acknowledged() {
      return acknowledged
    },
    get reads() {
      return reads
    },
    get longestMs() {
      return longestMs
    },
    reach: async (count, ms) => {
      await until(() => over || acknowledged >= count, ms)
      if (over) await running
    },
    end: async () => {
      over = true
      await running
      const numbers: number[] = []
      for await (const { eventId } of store.find(everyEvent(APP, 0)))
        numbers.push(numberOf(eventId))
      assert.deepEqual(numbers, countTo(acknowledged))
      assert.deepEqual([...(await store.count(APP))], [[0, acknowledged]])
      const longest = `longest wait ${(longestMs / 1000).toFixed(1)} s`
      return `${acknowledged} acknowledged, ${numbers.length} stored, 0 lost, 0 twice, ${reads} reads right, ${longest}`
    },
  }
}

const countTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Numbers of a user's newest views below a number. */
function newestViews(user: number, below: number): number[] {
  const numbers: number[] = []
  for (let i = below - 1; i >= 0 && numbers.length < HISTORY; i--) {
    if (i % BATCH !== 0 && i % USERS === user) numbers.push(i)
  }
  return numbers
}

/** Nothing twice, nothing that was never sent. */
function assertSent(numbers: readonly number[], sent: number): void {
  assert.equal(new Set(numbers).size, numbers.length, 'something is there twice')
  assert.ok(Math.max(-1, ...numbers.slice(-1000)) < sent, 'something was never sent')
}
