// The fold of the control log. `decideControl` says whether a record counts, `foldControl` what it makes of the
// directory; both are pure, so every process that reads the same log holds the same directory.
import type {
  ControlChange,
  ControlRecord,
  DirectoryState,
  Engine,
  ObjectKey,
  Schedule,
  Verdict,
} from './directory.ts'
import { changeStore, FIRST_STORE } from './directory-store.ts'
import { changeVersions, type VersionChange } from './directory-versions.ts'

export const EMPTY_DIRECTORY: DirectoryState = {
  apps: new Map(),
  keys: new Map(),
  channels: new Map(),
  engines: new Map(),
  defaultEngine: null,
  store: FIRST_STORE,
  deletedApps: new Set(),
  accepted: 0,
  lastAppId: 0,
  lastChannelId: 0,
}

export const CHANNEL_NAME = /^[a-zA-Z0-9-]{1,16}$/
export const ENGINE_ID = /^[a-z0-9-]{1,64}$/
/** Numbers of apps and channels are 32-bit integers in records, rows and files. */
export const NUMBER_MAX = 2 ** 31 - 1
/** Shortest and longest interval of a schedule: a minute, 366 days. */
export const SCHEDULE_MS_MIN = 60_000
export const SCHEDULE_MS_MAX = 366 * 86_400_000
/** UTF-8 bytes of an app's name. */
export const APP_NAME_BYTES_MAX = 1024

/** Whether a record counts, given what the directory is before it. */
export function decideControl(state: DirectoryState, record: ControlRecord): Verdict {
  return apply(state, record).verdict
}

/** The directory after a record: the same object when the record does not count. */
export function foldControl(state: DirectoryState, record: ControlRecord): DirectoryState {
  return apply(state, record).state
}

/** The revision of an object; 0 when there is none. The revision of a name is that of the object which has it. */
export function revisionOf(state: DirectoryState, object: ObjectKey): number {
  if (object === 'store') return state.store.revision
  const [, kind, name] = /^([a-z-]+):(.*)$/s.exec(object) ?? []
  if (name === undefined) return 0
  switch (kind) {
    case 'app':
      return state.apps.get(Number(name))?.revision ?? 0
    case 'app-name':
      return find(state.apps, (app) => app.name === name)?.revision ?? 0
    case 'key':
      return state.keys.get(name)?.revision ?? 0
    case 'channel':
      return state.channels.get(Number(name))?.revision ?? 0
    case 'channel-name':
      return find(state.channels, (c) => `${c.appId}/${c.name}` === name)?.revision ?? 0
    case 'engine':
      return state.engines.get(name)?.revision ?? 0
    default:
      return 0
  }
}

function find<V>(map: ReadonlyMap<unknown, V>, test: (value: V) => boolean): V | undefined {
  for (const value of map.values()) if (test(value)) return value
  return undefined
}

/** A rule that a record breaks. */
class Refusal extends Error {}

function apply(
  state: DirectoryState,
  record: ControlRecord,
): { readonly state: DirectoryState; readonly verdict: Verdict } {
  for (const object of Object.keys(record.expects) as ObjectKey[]) {
    const expected = record.expects[object] ?? 0
    const found = revisionOf(state, object)
    if (found !== expected) return { state, verdict: { accepted: false, object, expected, found } }
  }
  try {
    let next: DirectoryState = { ...state, accepted: state.accepted + 1 }
    for (const change of record.changes) next = changed(next, change, record.time)
    return { state: next, verdict: { accepted: true } }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { state, verdict: { accepted: false, rule: error.message } }
  }
}

function demand(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new Refusal(rule)
}

function changed(state: DirectoryState, change: ControlChange, time: number): DirectoryState {
  switch (change.type) {
    case 'app-created':
      return createApp(state, change.app)
    case 'app-deleted':
      return deleteApp(state, change.appId)
    case 'key-created': {
      const { hash, appId } = change.key
      demand(state.apps.has(appId), `There is no app ${appId}.`)
      demand(!state.keys.has(hash), 'This access key exists already.')
      const key = { ...change.key, revision: state.accepted }
      return { ...state, keys: new Map(state.keys).set(hash, key) }
    }
    case 'key-deleted':
      demand(state.keys.has(change.hash), 'There is no such access key.')
      return { ...state, keys: without(state.keys, (key) => key.hash === change.hash) }
    case 'channel-created':
      return createChannel(state, change.channel)
    case 'channel-deleted': {
      const { channelId } = change
      demand(state.channels.has(channelId), `There is no channel ${channelId}.`)
      return { ...state, channels: without(state.channels, ({ id }) => id === channelId) }
    }
    case 'engine-registered':
      return registerEngine(state, change)
    case 'engine-removed': {
      const { engineId } = change
      demand(state.engines.has(engineId), `There is no engine ${engineId}.`)
      return withEngines(
        state,
        without(state.engines, ({ id }) => id === engineId),
      )
    }
    case 'default-engine-set': {
      const { engineId } = change
      const known = engineId === null || state.engines.has(engineId)
      demand(known, `There is no engine ${engineId}.`)
      return withEngines({ ...state, defaultEngine: engineId }, state.engines)
    }
    case 'schedule-set':
      return setSchedule(state, change, time)
    case 'version-opened':
    case 'version-watermarked':
    case 'version-closed':
    case 'version-activated':
      return changeVersion(state, change, time)
    case 'store-opened':
    case 'store-activated':
    case 'store-closed': {
      const store = changeStore(state.store, change, state.accepted)
      if ('rule' in store) throw new Refusal(store.rule)
      return { ...state, store }
    }
  }
}

function isNumber(id: number): boolean {
  return Number.isInteger(id) && id > 0 && id <= NUMBER_MAX
}

type Created<T extends ControlChange['type'], K extends string> =
  Extract<ControlChange, { readonly type: T }> extends Record<K, infer V> ? V : never

function createApp(state: DirectoryState, app: Created<'app-created', 'app'>): DirectoryState {
  demand(isNumber(app.id), `${app.id} is no number for an app.`)
  demand(!state.apps.has(app.id), `The app ${app.id} exists already.`)
  demand(!state.deletedApps.has(app.id), `The number ${app.id} belonged to a deleted app.`)
  const bytes = Buffer.byteLength(app.name)
  demand(bytes > 0 && bytes <= APP_NAME_BYTES_MAX, 'The name of an app has 1 to 1,024 bytes.')
  const named = find(state.apps, ({ name }) => name === app.name)
  demand(named === undefined, `The app ${app.name} exists already.`)
  return {
    ...state,
    apps: new Map(state.apps).set(app.id, { ...app, revision: state.accepted }),
    lastAppId: Math.max(state.lastAppId, app.id),
  }
}

/** Its keys, channels and engines go with it. */
function deleteApp(state: DirectoryState, appId: number): DirectoryState {
  demand(state.apps.has(appId), `There is no app ${appId}.`)
  const ofApp = (object: { readonly appId: number }): boolean => object.appId === appId
  const rest: DirectoryState = {
    ...state,
    apps: without(state.apps, ({ id }) => id === appId),
    keys: without(state.keys, ofApp),
    channels: without(state.channels, ofApp),
    deletedApps: new Set(state.deletedApps).add(appId),
  }
  return withEngines(rest, without(state.engines, ofApp))
}

function createChannel(
  state: DirectoryState,
  channel: Created<'channel-created', 'channel'>,
): DirectoryState {
  const { id, appId, name } = channel
  demand(state.apps.has(appId), `There is no app ${appId}.`)
  demand(isNumber(id), `${id} is no number for a channel.`)
  demand(id > state.lastChannelId, `The number ${id} was given to a channel already.`)
  demand(CHANNEL_NAME.test(name), `${name} is no name for a channel.`)
  const named = find(state.channels, (other) => other.appId === appId && other.name === name)
  demand(named === undefined, `The channel ${name} exists already.`)
  return {
    ...state,
    channels: new Map(state.channels).set(id, { ...channel, revision: state.accepted }),
    lastChannelId: id,
  }
}

function registerEngine(
  state: DirectoryState,
  change: Extract<ControlChange, { readonly type: 'engine-registered' }>,
): DirectoryState {
  const { engineId, appId, factory, variant } = change
  demand(state.apps.has(appId), `There is no app ${appId}.`)
  demand(ENGINE_ID.test(engineId), `${engineId} is no id for an engine.`)
  const known = state.engines.get(engineId)
  demand(known === undefined || known.appId === appId, `The engine ${engineId} is another app's.`)
  const engine: Engine = {
    schedule: null,
    activeVersion: null,
    versions: [],
    ...known,
    id: engineId,
    appId,
    factory,
    variant,
    revision: state.accepted,
  }
  return withEngines(state, new Map(state.engines).set(engineId, engine))
}

function setSchedule(
  state: DirectoryState,
  { engineId, schedule }: Extract<ControlChange, { readonly type: 'schedule-set' }>,
  time: number,
): DirectoryState {
  const engine = state.engines.get(engineId)
  demand(engine !== undefined, `There is no engine ${engineId}.`)
  if (schedule !== null) demand(isSchedule(schedule), 'This is no schedule.')
  const scheduled: Engine = {
    ...engine,
    schedule: schedule === null ? null : { ...schedule, setAt: time },
    revision: state.accepted,
  }
  return { ...state, engines: new Map(state.engines).set(engineId, scheduled) }
}

function isSchedule(schedule: Schedule): boolean {
  switch (schedule.type) {
    case 'cron':
      return schedule.expression !== ''
    case 'every': {
      const { ms } = schedule
      return Number.isSafeInteger(ms) && ms >= SCHEDULE_MS_MIN && ms <= SCHEDULE_MS_MAX
    }
    case 'after-events':
      return Number.isSafeInteger(schedule.count) && schedule.count > 0
    default:
      return false
  }
}

function changeVersion(state: DirectoryState, change: VersionChange, time: number): DirectoryState {
  const engine = state.engines.get(change.engineId)
  demand(engine !== undefined, `There is no engine ${change.engineId}.`)
  const outcome = changeVersions(engine, change, time)
  if ('rule' in outcome) throw new Refusal(outcome.rule)
  const touched = { ...outcome.engine, revision: state.accepted }
  return { ...state, engines: new Map(state.engines).set(engine.id, touched) }
}

/** With these engines, and a default one among them if there is any: the one there was, else the oldest. */
function withEngines(state: DirectoryState, engines: ReadonlyMap<string, Engine>): DirectoryState {
  const { defaultEngine } = state
  if (defaultEngine !== null && engines.has(defaultEngine)) return { ...state, engines }
  const [oldest = null] = engines.keys()
  return { ...state, engines, defaultEngine: oldest }
}

function without<K, V>(map: ReadonlyMap<K, V>, test: (value: V) => boolean): Map<K, V> {
  return new Map([...map].filter(([, value]) => !test(value)))
}
