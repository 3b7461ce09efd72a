// The event store alone: CPU of `apply` an event by size of batch, bytes on disk, and the latency of a history.
//
//   node test/bench/store.ts [--events N] [--users N] [--items N] [--batches 64,1000,10000] [--shuffled]
//
// Shuffled: ids are the client's and random, times in no order; the worst that may come.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { EventStore } from '#ports/event-store'
import { createIdSource } from '#schemas/ids'
import type { Placed } from '#schemas/record'
import { openEventStore } from '../../infra/embedded/event-store.ts'
import { openStoreWriter } from '../../infra/embedded/event-store-writer.ts'
import { createRandom, type Random } from '../support/random.ts'
import { eventRecord } from '../support/stream-records.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    users: { type: 'string', default: '100000' },
    items: { type: 'string', default: '20000' },
    batches: { type: 'string', default: '64,1000,10000' },
    shuffled: { type: 'boolean', default: false },
  },
})
const EVENTS = Number(values.events)
const USERS = Number(values.users)
const ITEMS = Number(values.items)
const BATCHES = values.batches.split(',').map(Number)
const START = 1_700_000_000_000

/** Skewed: half of all picks fall on a tenth. */
const skewed = (random: Random, limit: number): number => Math.floor(random.next() ** 2 * limit)

function createEvents(random: Random): (count: number) => Placed[] {
  const ids = createIdSource()
  let at = 0
  return (count) =>
    Array.from({ length: count }, () => {
      const now = START + Math.floor((values.shuffled ? random.below(EVENTS) : at) / 20)
      const isSet = random.chance(0.05)
      const item = `item-${skewed(random, ITEMS)}`
      const record = eventRecord({
        eventId: values.shuffled ? `order-${random.below(2 ** 31)}` : ids(now),
        eventTime: now,
        creationTime: now,
        event: isSet ? '$set' : random.pick(['view', 'view', 'view', 'purchase']),
        entityType: isSet ? 'item' : 'user',
        entityId: isSet ? item : `user-${skewed(random, USERS)}`,
        targetEntityType: isSet ? null : 'item',
        targetEntityId: isSet ? null : item,
        properties: isSet ? '{"categories":["a","b"],"price":9.5}' : '{}',
      })
      return { generation: 0, partition: 0, offset: at++, record }
    })
}

async function measureApply(size: number, measureReads: boolean): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const writer = await openStoreWriter({ path })
  const store = await openEventStore({ path })
  const random = createRandom(7)
  const next = createEvents(random)
  let cpuMicros = 0
  let wallMs = 0
  for (let done = 0; done < EVENTS; done += size) {
    const batch = next(size)
    const cpu = process.cpuUsage()
    const wall = performance.now()
    await writer.apply(batch, { generation: 0, offsets: [done + size] })
    const used = process.cpuUsage(cpu)
    cpuMicros += used.user + used.system
    wallMs += performance.now() - wall
  }
  const flushStart = performance.now()
  await writer.flushed()
  const flushMs = performance.now() - flushStart
  console.log(
    `batches of ${size}: ${(cpuMicros / EVENTS).toFixed(2)} µs CPU an event, ` +
      `${Math.round(EVENTS / (wallMs / 1000))} events/s, flush ${flushMs.toFixed(0)} ms, ` +
      `${((await folderBytes(path)) / EVENTS).toFixed(0)} bytes an event`,
  )
  if (measureReads) await measureHistory(store, random)
  await store.close()
  await writer.close()
  await rm(path, { recursive: true, force: true })
}

async function measureHistory(store: EventStore, random: Random): Promise<void> {
  for (const limit of [50, 100]) {
    const times: number[] = []
    let events = 0
    for (let i = 0; i < 20_000; i++) {
      const entityId = `user-${Math.floor(random.next() ** 4 * (USERS / 50))}`
      const start = performance.now()
      const found = await store.history({
        app: 1,
        channel: 0,
        entityType: 'user',
        entityId,
        events: [
          { event: 'view', limit },
          { event: 'purchase', limit },
        ],
      })
      times.push((performance.now() - start) * 1000)
      events += found.length
      // The next read takes a new snapshot, as each request of a server does.
      if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    times.sort((a, b) => a - b)
    const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1)
    console.log(
      `history of ${limit} a name: p50 ${at(0.5)} µs, p99 ${at(0.99)} µs, ` +
        `${(events / times.length).toFixed(0)} events on average`,
    )
  }
}

async function folderBytes(path: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(path)) bytes += (await stat(join(path, name))).blocks * 512
  return bytes
}

for (const [i, size] of BATCHES.entries()) await measureApply(size, i === BATCHES.length - 1)
