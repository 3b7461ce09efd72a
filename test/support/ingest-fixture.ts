// An event server over in-memory ports, with a store sink that a test can hold back.
import assert from 'node:assert/strict'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '#ports/clock'
import { systemClock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import type { EventStore } from '#ports/event-store'
import type { Log } from '#ports/log'
import type { SchemaRegistry } from '#ports/schema-registry'
import { silentTelemetry, type Telemetry } from '#ports/telemetry'
import type { Watermarks } from '#ports/watermarks'
import { decodeRecord } from '#schemas/codec'
import type { ControlChange } from '#schemas/directory'
import { createIdSource } from '#schemas/ids'
import { covers, emptyWatermark, type Watermark } from '#schemas/position'
import type { LogRecord, Placed } from '#schemas/record'
import { createIntake } from '../../ingest/intake.ts'
import type { IngestLimits } from '../../ingest/limits.ts'
import { createEventServer } from '../../ingest/server.ts'
import { createMemoryDirectory } from './memory/directory.ts'
import {
  createMemoryEventStore,
  createMemoryEvents,
  createMemoryStoreWriter,
} from './memory/event-store.ts'
import { createMemoryLog, type MemoryLog } from './memory/log.ts'

export const KEY_ALL = 'key-of-shop-all-events-0'
export const KEY_VIEW = 'key-of-shop-views-only-0'
export const KEY_OTHER = 'key-of-the-other-app-000'
export const SHOP = 1
export const OTHER = 2
export const MOBILE = 7

export interface IngestFixture {
  readonly server: FastifyInstance
  readonly log: MemoryLog
  readonly directory: Directory
  readonly sink: StoreSink
  /** Everything in the log, decoded. */
  records(): Promise<LogRecord[]>
  close(): Promise<void>
}

export interface IngestFixtureOptions {
  readonly partitions?: number
  readonly limits?: Partial<IngestLimits>
  readonly stats?: boolean
  readonly clock?: Clock
  readonly telemetry?: Telemetry
  /** Wraps the log that the server writes to. */
  readonly wrapLog?: (log: MemoryLog) => Log
  readonly registry?: SchemaRegistry
  /** Wraps the store that the server reads. */
  readonly wrapStore?: (store: EventStore) => EventStore
}

export async function createIngestFixture(
  options: IngestFixtureOptions = {},
): Promise<IngestFixture> {
  const log = createMemoryLog({ partitions: options.partitions ?? 1 })
  const directory = await createShopDirectory()
  const events = createMemoryEvents()
  const sink = startStoreSink(log, async (records, upTo) => {
    await createMemoryStoreWriter(events).apply(records, upTo)
  })
  const store = createMemoryEventStore(events)
  const intake = createIntake({
    log: options.wrapLog?.(log) ?? log,
    store: options.wrapStore?.(store) ?? store,
    watermarks: sink.watermarks,
    clock: options.clock ?? systemClock,
    telemetry: options.telemetry ?? silentTelemetry,
    ids: createIdSource(),
    ...(options.stats && { stats: true }),
    ...(options.limits && { limits: options.limits }),
  })
  const { registry = null } = options
  const server = createEventServer({ directory, intake, registry })
  return {
    server,
    log,
    directory,
    sink,
    async records() {
      const found: LogRecord[] = []
      for (let partition = 0; partition < log.partitions; partition++) {
        const { records } = await log.read(partition, 0, Number.MAX_SAFE_INTEGER)
        for (const { value } of records) found.push(decodeRecord(value))
      }
      return found
    },
    async close() {
      await server.close()
      await sink.close()
      await log.close()
    },
  }
}

export interface StoreSink {
  readonly watermarks: Watermarks
  /** While true nothing is applied. */
  held: boolean
  /** Asks again after `held` was set back. */
  release(): void
  close(): Promise<void>
}

/** A store sink in this thread: reads every partition of the log and applies what it reads. */
export function startStoreSink(
  log: Log,
  apply: (records: readonly Placed[], upTo: Watermark) => Promise<void>,
): StoreSink {
  const stop = new AbortController()
  let applied = emptyWatermark(log.partitions, log.generation)
  const changed = new Set<() => void>()
  let released = Promise.withResolvers<void>()
  let failure: unknown = null

  async function follow(partition: number): Promise<void> {
    let from = 0
    while (!stop.signal.aborted) {
      await log.waitFor(partition, from, stop.signal)
      while (sink.held && !stop.signal.aborted) await released.promise
      if (stop.signal.aborted) return
      const { records, next } = await log.read(partition, from, 4 << 20)
      const placed = records.map(({ offset, value }) => ({
        generation: log.generation,
        partition,
        offset,
        record: decodeRecord(value),
      }))
      const offsets = applied.offsets.map((offset, p) => (p === partition ? next : offset))
      const upTo = { generation: log.generation, offsets }
      await apply(placed, upTo)
      applied = {
        generation: log.generation,
        offsets: applied.offsets.map((offset, p) => (p === partition ? next : offset)),
      }
      from = next
      for (const check of [...changed]) check()
    }
  }

  const watermarks: Watermarks = {
    applied: () => applied,
    waitFor: (_sink, wanted, timeoutMs) =>
      new Promise((resolve) => {
        const finish = (result: boolean): void => {
          clearTimeout(timer)
          changed.delete(check)
          resolve(result)
        }
        const check = (): void => {
          if (failure !== null) finish(false)
          if (covers(applied, wanted)) finish(true)
        }
        const timer = setTimeout(() => finish(false), timeoutMs)
        changed.add(check)
        check()
      }),
  }
  const sink: StoreSink = {
    watermarks,
    held: false,
    release: () => {
      sink.held = false
      released.resolve()
      released = Promise.withResolvers<void>()
    },
    async close() {
      stop.abort()
      released.resolve()
      await loops
      if (failure !== null) throw failure
    },
  }
  const loops = Promise.all(
    Array.from({ length: log.partitions }, (_, partition) => follow(partition)),
  ).catch((error: unknown) => {
    failure = error
    for (const check of [...changed]) check()
  })
  return sink
}

/** A directory with two apps, a channel and three keys. */
export async function createShopDirectory(): Promise<Directory> {
  const directory = createMemoryDirectory({ clock: systemClock })
  const app = (id: number, name: string): ControlChange => ({
    type: 'app-created',
    app: { id, name, description: null },
  })
  const key = (appId: number, text: string, events: readonly string[]): ControlChange => ({
    type: 'key-created',
    key: { ...directory.sealKey(text), appId, events },
  })
  await change(directory, [
    app(SHOP, 'shop'),
    app(OTHER, 'other'),
    key(SHOP, KEY_ALL, []),
    key(SHOP, KEY_VIEW, ['view', 'like']),
    key(OTHER, KEY_OTHER, []),
    { type: 'channel-created', channel: { id: MOBILE, appId: SHOP, name: 'mobile' } },
  ])
  return directory
}

/** Writes one control record that has to be accepted. */
export async function change(
  directory: Directory,
  changes: readonly ControlChange[],
): Promise<void> {
  const verdict = await directory.write({ expects: {}, changes })
  assert.deepEqual(verdict, { accepted: true })
}
