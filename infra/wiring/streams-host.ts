// The streams of one process: the store sink and the archive sink in a thread each, the index sink here, where queries are
// answered, joined by small messages.
//
//   log ─▶ store thread ── applied, touched items ──▶ index sink ─▶ item index
//      └─▶ archive thread ── published                 (this thread)
//
// Two threads, because together they cost more than one core gives at the rates the event server reaches.
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { EventStore } from '#ports/event-store'
import type { ItemIndex } from '#ports/item-index'
import type { Closable, Health, HealthSource } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import type { ArchiveCloser, Watermarks } from '#ports/watermarks'
import type { Watermark } from '#schemas/position'
import { createIndexSink, type IndexSink } from '../../streams/index-sink.ts'
import type { ItemTouches } from '../../streams/item-touches.ts'
import { createWatermarks, type MovableWatermarks } from '../../streams/watermarks.ts'
import { type Closings, createClosings } from './closings.ts'
import type { FilesPlace } from './files-place.ts'
import { indexHealth } from './index-health.ts'
import { createLetterBox, type LetterBox } from './letter-box.ts'
import type { Logs } from './log-source.ts'
import { primaryEvents } from './primary-events.ts'
import { createPrimaryTeller, type PrimaryTeller } from './primary-teller.ts'
import { type SinkThread, startSinkThread } from './sink-thread.ts'
import type { StorePlace } from './store-place.ts'
import type { FromThread, StreamsThreadData, ThreadSink, ToThread } from './streams-messages.ts'

/** Time a sink has to apply what is left, and again to stop, when the process ends. */
const DRAIN_MS = 10_000
const DEATHS_BEFORE_READY = 3

export interface StreamsOptions {
  readonly logs: Logs
  readonly storePlace: StorePlace
  readonly filesPlace: FilesPlace
  /** The reader of this thread. */
  readonly store: EventStore
  readonly index: ItemIndex
  readonly directory: Directory
  readonly telemetry: Telemetry
  readonly clock: Clock
  /** Partitions to work on; all when it is not given. */
  readonly partitions?: readonly number[]
  /** Watermarks that others move too, and that outlive these sinks. */
  readonly watermarks?: MovableWatermarks
}

export interface Streams extends Closable, HealthSource {
  readonly watermarks: Watermarks
  readonly archive: ArchiveCloser
  /**
   * Ends the store sink, lets `choose` name the version it goes on with, and starts it there; on the one before when that
   * fails. Resolves when the index follows. @throws what `choose` throws, STORE_FAILED
   */
  replaceStore(choose: () => Promise<StoreChoice>): Promise<void>
}

export interface StoreChoice {
  /** Folder of the version. */
  readonly path: string
  /** Apps whose items the index has to forget and read again. */
  readonly reload: readonly number[]
}

/** What the handlers of messages share. */
interface Host {
  readonly options: StreamsOptions
  readonly watermarks: MovableWatermarks
  readonly index: IndexSink
  readonly primary: PrimaryTeller
  readonly closings: Closings
  readonly letters: LetterBox
}

/**
 * Starts all sinks; resolves when the index holds what the store had applied before, or is known to be away.
 * @throws MillraceError STORE_FAILED when the store sink cannot begin, LOG_BEHIND when a sink is ahead of the log
 */
export async function startStreams(options: StreamsOptions): Promise<Streams> {
  const { logs, clock, telemetry, directory } = options
  const { partitions, generation } = logs.events
  const watermarks = options.watermarks ?? createWatermarks({ partitions, generation, clock })
  let indexTrouble: MillraceError | null = null
  const indexAway = Promise.withResolvers<void>()
  const letters = createLetterBox(logs.deadLetters, telemetry)
  const countIndexed = indexedCounter(telemetry)
  const index = createIndexSink({
    index: options.index,
    store: options.store,
    clock,
    telemetry,
    primaryEvents: (app) => primaryEvents(directory.state).get(app) ?? [],
    deadLetter: letters.put,
    onApplied: (applied) => {
      countIndexed(applied)
      watermarks.advance('index', applied)
    },
    onTrouble: (trouble) => {
      indexTrouble = trouble
      indexAway.resolve()
    },
  })
  const closings = createClosings((message) => archive.say(message))
  const primary = createPrimaryTeller(directory, index, (message) => store.say(message))
  const host: Host = { options, watermarks, index, primary, closings, letters }
  const beginning = createBeginning()
  const store = startReplaceableStore(host, beginning)
  const archive = startArchive(host, beginning)
  try {
    await beginning.over
    // Without the index events are accepted and read all the same.
    await Promise.race([index.settled(), indexAway.promise])
  } catch (error) {
    await Promise.all([store.close(0), archive.close(0)])
    throw error
  }
  const unsubscribe = directory.subscribe((record) => {
    for (const change of record.changes) {
      if (change.type === 'app-deleted') void index.forget(change.appId)
    }
    primary.renew()
  })
  return {
    watermarks,
    archive: closings,
    replaceStore: store.replace,
    health: async () =>
      worst([
        store.health(),
        archive.health(),
        indexHealth(indexTrouble, index.stops(), directory),
      ]),
    close: async () => {
      unsubscribe()
      await Promise.all([store.close(DRAIN_MS), archive.close(DRAIN_MS)])
      await settledWithin(index, clock, DRAIN_MS)
      await index.close()
      if (options.watermarks === undefined) watermarks.close()
    },
  }
}

/** Waits until both sinks have begun, or it is known that they do not. */
interface Beginning {
  readonly over: Promise<unknown>
  readonly begun: (sink: ThreadSink) => void
  readonly died: (sink: ThreadSink, reason: string) => void
  readonly troubled: (sink: ThreadSink, error: MillraceError | null) => void
}

function createBeginning(): Beginning {
  const begun = {
    store: Promise.withResolvers<void>(),
    archive: Promise.withResolvers<void>(),
  }
  let deaths = 0
  return {
    over: Promise.all([begun.store.promise, begun.archive.promise]),
    begun: (sink) => begun[sink].resolve(),
    died: (sink, reason) => {
      // Later it is started again and again; a platform that cannot even begin says so instead. Without the archive it can.
      if (sink === 'archive') begun.archive.resolve()
      else if (++deaths === DEATHS_BEFORE_READY) {
        begun.store.reject(new MillraceError('STORE_FAILED', { reason }))
      }
    },
    troubled: (sink, error) => {
      // Of a sink that is ahead of the log nothing may be accepted: it would skip that.
      if (error?.code === 'LOG_BEHIND') begun[sink].reject(error)
      else if (sink === 'archive') begun.archive.resolve()
    },
  }
}

interface ReplaceableStore extends SinkThread {
  readonly replace: Streams['replaceStore']
}

/** The store sink's thread, and after each replacement the one that took over. */
function startReplaceableStore(host: Host, beginning: Beginning): ReplaceableStore {
  const { index, watermarks } = host
  let place = host.options.storePlace
  let thread = startStore(host, beginning, place)
  let replacing: Promise<void> = Promise.resolve()
  const replace = async (choose: () => Promise<StoreChoice>): Promise<void> => {
    await thread.close(0, DRAIN_MS)
    let chosen: StoreChoice = { path: place.path, reload: [] }
    try {
      chosen = await choose()
    } finally {
      place = { ...place, path: chosen.path }
      const again = createBeginning()
      again.begun('archive')
      thread = startStore(host, again, place)
      await again.over
    }
    const resets = chosen.reload.map((app) => ({ app, reset: true, states: [], seen: [] }))
    index.take(resets, watermarks.applied('store'))
    await index.settled()
  }
  return {
    say: (message) => thread.say(message),
    health: () => thread.health(),
    close: async (drainMs, stopMs) => {
      await replacing
      await thread.close(drainMs, stopMs)
    },
    replace: (choose) => {
      const replaced = replacing.then(() => replace(choose))
      replacing = replaced.catch(() => {})
      return replaced
    },
  }
}

function startStore(host: Host, beginning: Beginning, storePlace: StorePlace): SinkThread {
  const { watermarks, primary } = host
  const touched: ItemTouches[] = []
  const take = (): readonly ItemTouches[] => touched.splice(0)
  return startThread(host, 'store', storePlace, {
    onStart: primary.tell,
    onDied: (reason) => beginning.died('store', reason),
    onTrouble: (error) => beginning.troubled('store', error),
    onEnded: () => {},
    onMessage: (message, say) => {
      if (message.type === 'ready') {
        watermarks.advance('store', message.applied)
        beginning.begun('store')
        loadIndex(host, message.applied, take())
      } else if (message.type === 'touching') {
        touched.push(...message.touches)
      } else if (message.type === 'applied') {
        storeApplied(host, message, take())
      } else hear(host, message, say)
    },
  })
}

function startArchive(host: Host, beginning: Beginning): SinkThread {
  const { closings } = host
  return startThread(host, 'archive', host.options.storePlace, {
    onStart: closings.tell,
    onDied: (reason) => beginning.died('archive', reason),
    onTrouble: (error) => {
      beginning.troubled('archive', error)
      // A training that waits here would wait for somebody to make room.
      if (error?.code === 'DISK_FULL') closings.fail(error)
    },
    onEnded: closings.end,
    onMessage: (message, say) => {
      if (message.type === 'ready') beginning.begun('archive')
      else hear(host, message, say)
    },
  })
}

interface ThreadEars {
  readonly onDied: (reason: string) => void
  readonly onTrouble: (error: MillraceError | null) => void
  readonly onEnded: (reason: string) => void
  readonly onStart: (say: (message: ToThread) => void) => void
  readonly onMessage: (message: FromThread, say: (message: ToThread) => void) => void
}

function startThread(
  { options }: Host,
  sink: ThreadSink,
  storePlace: StorePlace,
  ears: ThreadEars,
): SinkThread {
  const { logs, filesPlace, clock, telemetry } = options
  const data: StreamsThreadData = {
    role: 'streams',
    sink,
    log: logs.source,
    partitions: options.partitions ?? null,
    store: storePlace,
    files: filesPlace,
  }
  let say: (message: ToThread) => void = () => {}
  return startSinkThread({
    entry: new URL('./streams-worker.ts', import.meta.url),
    data,
    clock,
    telemetry,
    onDied: ears.onDied,
    onTrouble: ears.onTrouble,
    onEnded: ears.onEnded,
    onStart: (sayToThread) => {
      say = sayToThread
      ears.onStart(sayToThread)
    },
    onMessage: (message) => ears.onMessage(message, say),
  })
}

/**
 * Fills the index from the store: at the start, and when a store thread takes over, because the last one may have died
 * between applying a batch and telling of it. What that batch touched was told before: a load does not meet what is gone.
 */
function loadIndex(
  { options, index }: Host,
  applied: Watermark,
  touches: readonly ItemTouches[],
): void {
  void index.load([...options.directory.state.apps.keys()])
  index.take(touches, applied)
}

function storeApplied(
  host: Host,
  message: Extract<FromThread, { type: 'applied' }>,
  touches: readonly ItemTouches[],
): void {
  const { options, watermarks, index } = host
  const { applied, records } = message
  watermarks.advance('store', applied)
  options.telemetry.emit('millrace_sink_applied_total', records, { sink: 'store' })
  index.take(touches, applied)
}

/** What both threads may say. */
function hear(host: Host, message: FromThread, say: (message: ToThread) => void): void {
  const { options, watermarks, closings, primary, letters } = host
  switch (message.type) {
    case 'applied':
      options.telemetry.emit('millrace_sink_applied_total', message.records, { sink: 'archive' })
      return
    case 'published':
      watermarks.advance('archive', message.published)
      return
    case 'primary-set':
      primary.wasSet(message.revision)
      return
    case 'closed-at':
      closings.closed(
        message.id,
        message.failure && new MillraceError(message.failure.code, message.failure.details),
      )
      return
    case 'bury': {
      const { id, letter } = message
      letters.put(letter).then(
        () => say({ type: 'buried', id, failure: null }),
        (error: unknown) => say({ type: 'buried', id, failure: asMillraceError(error).message }),
      )
      return
    }
    default:
      return
  }
}

/** Counts what the index sink applies; what it was filled with at the start is older than this process. */
function indexedCounter(telemetry: Telemetry): (applied: Watermark) => void {
  let counted: number | null = null
  return (applied) => {
    const below = total(applied)
    if (counted !== null && below > counted) {
      telemetry.emit('millrace_sink_applied_total', below - counted, { sink: 'index' })
    }
    counted = Math.max(below, counted ?? 0)
  }
}

/** Records below a watermark, of all partitions. */
function total({ offsets }: Watermark): number {
  return offsets.reduce((sum, offset) => sum + offset, 0)
}

async function settledWithin(index: IndexSink, clock: Clock, ms: number): Promise<void> {
  const settled = new AbortController()
  await Promise.race([
    index.settled().finally(() => settled.abort()),
    clock.sleep(ms, settled.signal),
  ])
}

/** One line for all sinks: what is wrong, or that nothing is. */
function worst(all: readonly Health[]): Health {
  const bad = all.filter(({ status }) => status !== 'ok')
  const [first] = bad
  if (first === undefined) return { name: 'streams', status: 'ok', detail: 'All sinks run.' }
  const detail = bad.map((health) => `${health.name}: ${health.detail}`).join(' ')
  return { ...first, name: 'streams', detail }
}
