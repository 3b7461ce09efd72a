// A query server over in-memory ports. Events are told to store and index at once, as the sinks would; a test can hold
// back the watermarks, and wrap the ports.
import type { FastifyInstance } from 'fastify'
import type { Clock } from '#ports/clock'
import { systemClock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import type { EventStore } from '#ports/event-store'
import type { ItemIndex } from '#ports/item-index'
import { silentTelemetry, type Telemetry } from '#ports/telemetry'
import type { SinkName, Watermarks } from '#ports/watermarks'
import type { ControlChange } from '#schemas/directory'
import { parseUniversal } from '#schemas/engines/universal-parse'
import { EMPTY_STATE, evolve, exists, isDeleted, parsedProperties } from '#schemas/entity-state'
import { type Event, isSpecialEvent } from '#schemas/event'
import type { Json, JsonObject } from '#schemas/json'
import type { Model } from '#schemas/model'
import { covers, type Watermark } from '#schemas/position'
import type { QueryResult } from '#schemas/query'
import type { EntityState } from '#schemas/state'
import type { HarnessFace } from '../../serving/harness-face.ts'
import type { ServingLimits } from '../../serving/limits.ts'
import { createQueryServer } from '../../serving/server.ts'
import { createMemoryDirectory } from './memory/directory.ts'
import {
  createMemoryEventStore,
  createMemoryEvents,
  createMemoryStoreWriter,
} from './memory/event-store.ts'
import { createMemoryItemIndex } from './memory/item-index.ts'

export const APP = 1
export const OTHER_APP = 2
export const APP_KEY = 'key-of-the-app'
export const OTHER_KEY = 'key-of-the-other-app'

/** An event as a client writes it. */
export interface ToldEvent {
  readonly event: string
  readonly entityType: string
  readonly entityId: string
  readonly targetEntityType?: string
  readonly targetEntityId?: string
  readonly properties?: JsonObject
  readonly eventTime: string
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  readonly json: QueryResult & { readonly code?: string; readonly message?: string }
  /** Ids of the answer, in its order. */
  readonly items: readonly string[]
}

export interface ServingFixtureOptions {
  readonly clock?: Clock
  readonly telemetry?: Telemetry
  readonly index?: ItemIndex
  readonly open?: boolean
  readonly harness?: HarnessFace
  readonly limits?: Partial<ServingLimits>
  readonly wrapStore?: (store: EventStore) => EventStore
  readonly wrapIndex?: (index: ItemIndex) => ItemIndex
}

export interface ServingFixture {
  readonly server: FastifyInstance
  readonly directory: Directory
  readonly index: ItemIndex
  readonly watermarks: HeldWatermarks
  /** Writes to the directory, which has to accept it. */
  change(...changes: ControlChange[]): Promise<void>
  /** Registers an engine.json for an app. */
  register(engineId: string, variant: JsonObject, app?: number): Promise<void>
  /** Publishes a model as the active version of a registered engine. */
  activate(engineId: string, versionId: string, model: Model): Promise<void>
  /** Store and index apply events of an app. */
  tell(events: readonly ToldEvent[], app?: number): Promise<void>
  query(body: Json | string, options?: QueryOptions): Promise<Reply>
  close(): Promise<void>
}

export interface QueryOptions {
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly remoteAddress?: string
}

/** Whoever calls this closes it. */
export async function createServingFixture(
  options: ServingFixtureOptions = {},
): Promise<ServingFixture> {
  const clock = options.clock ?? systemClock
  const directory = await createTwoApps(clock)
  const events = createMemoryEvents()
  const writer = createMemoryStoreWriter(events)
  const store = createMemoryEventStore(events)
  const index = options.index ?? createMemoryItemIndex()
  const watermarks = createHeldWatermarks()
  const states = new Map<string, EntityState>()
  let offset = 0
  const server = createQueryServer({
    directory,
    store: options.wrapStore?.(store) ?? store,
    index: options.wrapIndex?.(index) ?? index,
    watermarks,
    clock,
    telemetry: options.telemetry ?? silentTelemetry,
    ...(options.open !== undefined && { open: options.open }),
    ...(options.harness && { harness: options.harness }),
    ...(options.limits && { limits: options.limits }),
  })

  async function tellOne(told: ToldEvent, app: number): Promise<void> {
    const place = { generation: 0, partition: 0, offset: offset++ }
    const event = eventOf(told, place.offset)
    const record = { kind: 'event' as const, app, channel: 0, appendId: '', event }
    await writer.apply([{ ...place, record }], { generation: 0, offsets: [offset] })
    if (event.targetEntityType === 'item' && event.targetEntityId !== null) {
      const item = event.targetEntityId
      await index.applyItems(app, [{ type: 'seen', event: event.event, item }])
    }
    if (event.entityType !== 'item' || !isSpecialEvent(event.event)) return
    const key = `${app}/${event.entityId}`
    const state = evolve(states.get(key) ?? EMPTY_STATE, event, place)
    states.set(key, state)
    const item = event.entityId
    const itemState = {
      item,
      offset: place.offset,
      exists: exists(state),
      deleted: isDeleted(state),
      properties: parsedProperties(state),
    }
    await index.applyItems(app, [{ type: 'state', state: itemState }])
  }

  return {
    server,
    directory,
    index,
    watermarks,
    change: (...changes) => change(directory, ...changes),
    register: (engineId, variant, appId = APP) =>
      change(directory, {
        type: 'engine-registered',
        engineId,
        appId,
        factory: 'universal',
        variant,
      }),
    async activate(engineId, versionId, model) {
      const engine = directory.state.engines.get(engineId)
      if (engine === undefined) throw new Error(`no engine ${engineId}`)
      const { indicators, rankings } = parseUniversal(engine.variant)
      const userDefinedRankings = rankings
        .filter(({ type }) => type === 'userDefined')
        .map(({ name }) => name)
      const primaryEvents = indicators[0].events
      const version = { app: engine.appId, engineId, versionId, primaryEvents, userDefinedRankings }
      await change(directory, { type: 'version-opened', engineId, versionId })
      await index.publish(version, model)
      const summary = null
      await change(directory, { type: 'version-activated', engineId, versionId, summary })
    },
    async tell(list, app = APP) {
      for (const told of list) await tellOne(told, app)
      await index.refresh()
      watermarks.end = { generation: 0, offsets: [offset] }
    },
    async query(body, { path = '/queries.json', headers = {}, remoteAddress } = {}) {
      const reply = await server.inject({
        method: 'POST',
        url: path,
        headers: { 'content-type': 'application/json', ...headers },
        payload: typeof body === 'string' ? body : JSON.stringify(body),
        ...(remoteAddress !== undefined && { remoteAddress }),
      })
      const json = reply.json() as Reply['json']
      return {
        status: reply.statusCode,
        headers: reply.headers,
        text: reply.payload,
        json,
        items: (json.itemScores ?? []).map(({ item }) => item),
      }
    },
    async close() {
      await server.close()
      await index.close()
      await store.close()
    },
  }
}

function eventOf(told: ToldEvent, number: number): Event {
  const time = Date.parse(told.eventTime)
  return {
    eventId: `e${number}`,
    event: told.event,
    entityType: told.entityType,
    entityId: told.entityId,
    targetEntityType: told.targetEntityType ?? null,
    targetEntityId: told.targetEntityId ?? null,
    properties: JSON.stringify(told.properties ?? {}),
    eventTime: time,
    eventTimeOffset: 0,
    prId: null,
    creationTime: time,
  }
}

/** Two apps, each with a key. */
async function createTwoApps(clock: Clock): Promise<Directory> {
  const directory = createMemoryDirectory({ clock })
  for (const [id, text] of [
    [APP, APP_KEY],
    [OTHER_APP, OTHER_KEY],
  ] as const) {
    await change(
      directory,
      { type: 'app-created', app: { id, name: `app-${id}`, description: null } },
      { type: 'key-created', key: { ...directory.sealKey(text), appId: id, events: [] } },
    )
  }
  return directory
}

async function change(directory: Directory, ...changes: ControlChange[]): Promise<void> {
  const verdict = await directory.write({ expects: {}, changes })
  if (!verdict.accepted) throw new Error(`the directory refused ${JSON.stringify(changes)}`)
}

export interface HeldWatermarks extends Watermarks {
  /** What both sinks have applied, but for those in `held`. */
  end: Watermark
  /** Sinks that say they have applied nothing. */
  readonly held: Set<SinkName>
  /** Lets the sinks go on, and wakes who waits. */
  release(): void
}

function createHeldWatermarks(): HeldWatermarks {
  const held = new Set<SinkName>()
  const waiting = new Set<() => void>()
  const marks: HeldWatermarks = {
    end: { generation: 0, offsets: [0] },
    held,
    release: () => {
      held.clear()
      for (const check of [...waiting]) check()
    },
    applied: (sink) => (held.has(sink) ? { generation: 0, offsets: [0] } : marks.end),
    waitFor: (sink, wanted, timeoutMs) =>
      new Promise((resolve) => {
        const finish = (reached: boolean): void => {
          clearTimeout(timer)
          waiting.delete(check)
          resolve(reached)
        }
        const check = (): void => {
          if (covers(marks.applied(sink), wanted)) finish(true)
        }
        const timer = setTimeout(() => finish(false), timeoutMs)
        waiting.add(check)
        check()
      }),
  }
  return marks
}
