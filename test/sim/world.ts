// What outlives every process: the logs, the control log, the disks, the queue's jobs; and whom the clients may ask.
import { decodeRecord, encodeRecord } from '#schemas/codec'
import { DEFAULT_CHANNEL } from '#schemas/event'
import { createIdSource, type IdSource } from '#schemas/ids'
import { partitionOf } from '#schemas/partition'
import type { EventRecord, LogRecord, Placed } from '#schemas/record'
import { createMemoryFiles } from '../support/memory/files.ts'
import { createMemoryLog, type MemoryLog } from '../support/memory/log.ts'
import { createRandom } from '../support/random.ts'
import { createCalm, createFaults, type Faults } from './faults.ts'
import { createIndexCore, type IndexCore } from './faulty-index.ts'
import { createStoreDisk, type StoreDisk } from './faulty-store.ts'
import type { Plants } from './plants.ts'
import { createReference, type Entity, type Reference } from './reference.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import { type ControlLog, createControlLog, hashOfKey } from './shared-directory.ts'
import { createSharedQueue, type SharedQueue } from './shared-queue.ts'

export const SHOP = 1
export const OTHER = 2
export const KEYS: Readonly<Record<number, string>> = { [SHOP]: 'key-shop', [OTHER]: 'key-other' }
export const ENGINE = 'engine'

export interface Finding {
  readonly checker: string
  readonly what: string
  readonly step: number
}

export interface World {
  readonly seed: number
  readonly isCalm: boolean
  readonly scheduler: Scheduler
  readonly faults: Faults
  readonly events: MemoryLog
  readonly deadLetters: MemoryLog
  readonly control: ControlLog
  readonly disk: StoreDisk
  readonly files: ReturnType<typeof createMemoryFiles>
  readonly queue: SharedQueue
  /** The index server of all processes; null where each has its own in its memory. */
  readonly sharedIndex: IndexCore | null
  /** All-in-one processes that run side by side over the same log, store, files and queue. */
  readonly processes: number
  readonly ids: IdSource
  readonly plants: Plants
  /** What is wrong, as the checkers found it; the run ends with the first. */
  readonly findings: Finding[]
  wrong(checker: string, what: string): void
  /** Readable records of a partition, in order; null stands for what cannot be read. */
  records(partition: number): readonly (Placed | null)[]
  /** What a partition means, of all that is in it now. */
  reference(partition: number): Reference
  partitionOf(entity: Entity): number
}

export interface WorldOptions {
  readonly trace: boolean
  /** Nothing fails but what the caller lets fail. */
  readonly isCalm?: boolean
  readonly plants?: Plants
}

export const VARIANT = {
  id: ENGINE,
  engineFactory: 'universal',
  datasource: { params: { appName: 'shop' } },
  algorithms: [{ name: 'ur', params: { indicators: [{ name: 'buy' }, { name: 'view' }] } }],
}

/** Another primary event: the items that are seen are others. */
export const OTHER_VARIANT = {
  ...VARIANT,
  algorithms: [{ name: 'ur', params: { indicators: [{ name: 'view' }, { name: 'buy' }] } }],
}

export function createWorld(seed: number, options: WorldOptions): World {
  const random = createRandom(seed)
  for (let i = 0; i < 10; i++) random.next()
  const scheduler = createScheduler(random, { trace: options.trace })
  const events = createMemoryLog({ partitions: random.pick([1, 1, 1, 2, 2, 3]) })
  const processes = !options.isCalm && random.chance(0.2) ? 2 : 1
  const control = createControlLog()
  control.records.push(...beginning(scheduler.clock.now()))
  const decoded = Array.from({ length: events.partitions }, (): (Placed | null)[] => [])
  const references = decoded.map(() => createReference())
  const findings: Finding[] = []
  for (const record of firstEvents(scheduler.clock.now())) {
    const { entityType: type, entityId: id } = record.event
    const partition = partitionOf(record.app, DEFAULT_CHANNEL, type, id, events.partitions)
    events.put(partition, encodeRecord(record))
  }
  const records = (partition: number): readonly (Placed | null)[] => {
    const its = decoded[partition] as (Placed | null)[]
    for (const value of events.valuesFrom(partition, its.length)) {
      const record = read(value)
      const place = { generation: 0, partition, offset: its.length }
      its.push(record === null ? null : { ...place, record })
    }
    return its
  }
  return {
    seed,
    isCalm: options.isCalm ?? false,
    scheduler,
    faults: options.isCalm ? createCalm() : createFaults(random),
    events,
    deadLetters: createMemoryLog(),
    control,
    disk: createStoreDisk(),
    files: createMemoryFiles(),
    queue: createSharedQueue(scheduler),
    sharedIndex: processes > 1 ? createIndexCore() : null,
    processes,
    ids: createIdSource((pool) => {
      for (let i = 0; i < pool.length; i++) pool[i] = random.below(65536)
    }),
    plants: options.plants ?? {},
    findings,
    wrong: (checker, what) => {
      scheduler.note(`WRONG (${checker}): ${what}`)
      findings.push({ checker, what, step: scheduler.steps })
    },
    records,
    reference: (partition) => {
      const reference = references[partition] as Reference
      reference.take(records(partition).slice(reference.end))
      return reference
    },
    partitionOf: ({ app, type, id }) =>
      partitionOf(app, DEFAULT_CHANNEL, type, id, events.partitions),
  }
}

function read(value: Uint8Array): LogRecord | null {
  try {
    return decodeRecord(value)
  } catch {
    return null
  }
}

/** Enough to train on. */
function firstEvents(time: number): EventRecord[] {
  return ['u1', 'u2', 'u3'].flatMap((user, u) =>
    ['i1', 'i2', 'i3'].slice(0, 3 - (u % 2)).map((item, i): EventRecord => {
      const event = {
        ...{ eventId: `first-${user}-${item}`, event: i === 2 ? 'view' : 'buy' },
        ...{ entityType: 'user', entityId: user, targetEntityType: 'item', targetEntityId: item },
        ...{ properties: '{}', eventTime: time - 60_000, eventTimeOffset: 0, prId: null },
        creationTime: time - 60_000,
      }
      return { kind: 'event', app: SHOP, channel: DEFAULT_CHANNEL, appendId: '', event }
    }),
  )
}

/** Two apps with a key each, and an engine for the first. */
function beginning(time: number): ControlLog['records'] {
  const record = (number: number, changes: ControlLog['records'][number]['changes']) => ({
    appendId: `first-${number}`,
    time,
    expects: {},
    changes,
  })
  const app = (id: number, name: string) =>
    ({ type: 'app-created', app: { id, name, description: null } }) as const
  const key = (appId: number) => {
    const text = KEYS[appId] as string
    return {
      type: 'key-created',
      key: { hash: hashOfKey(text), sealed: text, appId, events: [] },
    } as const
  }
  return [
    record(0, [app(SHOP, 'shop'), key(SHOP), app(OTHER, 'other'), key(OTHER)]),
    record(1, [
      {
        type: 'engine-registered',
        engineId: ENGINE,
        appId: SHOP,
        factory: 'universal',
        variant: VARIANT,
      },
      { type: 'default-engine-set', engineId: ENGINE },
    ]),
  ]
}
