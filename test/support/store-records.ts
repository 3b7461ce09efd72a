// Records of a seeded stream of everything the event store has to decide: repeats, re-used ids, deletions, erasures,
// late events, odd ids.
import { entityHash } from '#schemas/hashes'
import { createIdSource } from '#schemas/ids'
import type { EventRecord, LogRecord, Placed } from '#schemas/record'
import { createRandom, type Random } from './random.ts'
import { dataDelete, deletionOf, eventRecord } from './stream-records.ts'

const TIME = 1_700_000_000_000
const LONG = 'ü'.repeat(512)
const USERS = ['u1', 'u2', 'ein Nutzer', 'пользователь/7', LONG]
const ITEMS = ['i1', 'i2', 'i3', 'item, with "quotes"', '品目', 'x'.repeat(300)]
const NAMES = ['view', 'purchase', 'v']
const CHANNELS = [
  [1, 0],
  [1, 3],
  [2, 0],
] as const

export interface StoreRecords {
  /** The next `count` records, in one partition each, with consecutive offsets a partition. */
  next(count: number): Placed[]
  /** Where each partition ends. */
  ends(): number[]
}

export function createStoreRecords(seed: number, partitions = 1): StoreRecords {
  const random = createRandom(seed)
  const ids = createIdSource((pool) => {
    for (let i = 0; i < pool.length; i++) pool[i] = random.below(65536)
  })
  const offsets = new Array<number>(partitions).fill(0)
  const sent: EventRecord[] = []
  let now = TIME

  const place = (record: LogRecord, partition: number): Placed => {
    const offset = offsets[partition] ?? 0
    offsets[partition] = offset + 1 + (random.chance(0.05) ? 3 : 0)
    return { generation: 0, partition, offset, record }
  }
  const event = (): EventRecord => {
    now += random.below(50)
    const [app, channel] = random.pick(CHANNELS)
    const record = random.chance(0.3) ? special(random) : action(random)
    const eventTime = random.chance(0.2) ? now - random.below(3_000_000) : now
    const eventId = random.chance(0.6) ? ids(now) : `id ${random.below(40)}`
    const appendId = random.chance(0.3) ? `append ${random.below(1000)}` : ''
    return eventRecord({
      ...record,
      ...oddities(random, eventTime),
      app,
      channel,
      eventId,
      appendId,
      eventTime,
    })
  }
  const record = (): LogRecord => {
    const kind = random.next()
    if (sent.length === 0 || kind < 0.7) return event()
    const old = random.pick(sent)
    if (kind < 0.76) return old
    if (kind < 0.82) return { ...old, appendId: `again ${random.below(1000)}` }
    if (kind < 0.86) {
      const properties = `{"other":${random.below(9)}}`
      return { ...old, appendId: 'other', event: { ...old.event, properties } }
    }
    if (kind < 0.97) return deletionOf(old)
    if (kind < 0.99) return erasureOf(random, old)
    return random.chance(0.3)
      ? dataDelete(old.app, random.chance(0.5) ? old.channel : null)
      : event()
  }
  return {
    ends: () => [...offsets],
    next: (count) => {
      const placed: Placed[] = []
      for (let i = 0; i < count; i++) {
        const made = record()
        if (made.kind === 'event') sent.push(made)
        if (made.kind === 'event' || made.kind === 'deletion') {
          const { entityId } = made.kind === 'event' ? made.event : made
          placed.push(place(made, entityId.length % partitions))
        } else for (let p = 0; p < partitions; p++) placed.push(place(made, p))
      }
      return placed
    },
  }
}

function special(random: Random): Partial<EventRecord['event']> {
  const event = random.pick(['$set', '$set', '$unset', '$delete'])
  const keys = random.some(['a', 'b c', 'ключ'], 0.5)
  const members = keys.map((key) => `${JSON.stringify(key)}:${random.below(5)}.50`)
  return {
    event,
    entityType: random.pick(['item', 'user']),
    entityId: random.pick([...ITEMS, 'u1']),
    properties: event === '$delete' ? '{}' : `{${members.join(',')}}`,
  }
}

function action(random: Random): Partial<EventRecord['event']> {
  const target = random.chance(0.9)
  return {
    event: random.pick(NAMES),
    entityType: 'user',
    entityId: random.pick(USERS),
    targetEntityType: target ? random.pick(['item', 'user']) : null,
    targetEntityId: target ? random.pick([...ITEMS, 'u1']) : null,
    properties: random.chance(0.3) ? '{"text":"ж","n":1.0}' : '{}',
  }
}

function oddities(random: Random, eventTime: number): Partial<EventRecord['event']> {
  return {
    eventTimeOffset: random.chance(0.2) ? -473 : 0,
    prId: random.chance(0.1) ? 'a prediction' : null,
    creationTime: random.chance(0.5) ? eventTime : TIME,
  }
}

function erasureOf(random: Random, { app, channel, event }: EventRecord): LogRecord {
  const ofTarget = random.chance(0.5) && event.targetEntityType !== null
  const hash = ofTarget
    ? entityHash(event.targetEntityType ?? '', event.targetEntityId ?? '')
    : entityHash(event.entityType, event.entityId)
  return { kind: 'erasure', appendId: '', app, channel, entityHash: hash, creationTime: TIME }
}
