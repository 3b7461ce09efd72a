// The sinks of one simulated process: store and archive in a thread each, joined to the index sink by messages, as the
// platform does it. A thread that dies is started again; an owner that sleeps may find another in its place.
import { asMillraceError, type MillraceError } from '#ports/errors'
import { silentTelemetry } from '#ports/telemetry'
import type { ArchiveCloser } from '#ports/watermarks'
import { encodeDeadLetter } from '#schemas/dead-letter'
import { union, type Watermark } from '#schemas/position'
import { createArchive } from '../../infra/archive/archive.ts'
import { createClosings } from '../../infra/wiring/closings.ts'
import { primaryEvents } from '../../infra/wiring/primary-events.ts'
import { createPrimaryTeller } from '../../infra/wiring/primary-teller.ts'
import type { ToThread } from '../../infra/wiring/streams-messages.ts'
import { createTouchTeller, type TouchMessage } from '../../infra/wiring/touch-teller.ts'
import { createArchiveSink } from '../../streams/archive-sink.ts'
import { createIndexSink } from '../../streams/index-sink.ts'
import type { ItemTouches } from '../../streams/item-touches.ts'
import { runPipeline, type Sink } from '../../streams/pipeline.ts'
import { createStoreSink } from '../../streams/store-sink.ts'
import { createWatermarks } from '../../streams/watermarks.ts'
import { checkIndexed, checkStored } from './checks.ts'
import { createLifeClock } from './faulty-clock.ts'
import { createFaultyFiles } from './faulty-files.ts'
import { createFaultyLog } from './faulty-log.ts'
import { createFaultyStoreWriter } from './faulty-store.ts'
import type { HostParts } from './host.ts'
import { planted } from './plants.ts'
import type { Life, Scheduler } from './scheduler.ts'
import type { World } from './world.ts'

export type ThreadSink = 'store' | 'archive'

type FromThread =
  | { readonly type: 'ready' | 'applied' | 'published'; readonly applied: Watermark }
  | TouchMessage
  | { readonly type: 'closed-at'; readonly id: number; readonly failure?: MillraceError }

export interface SimulatedStreams {
  readonly watermarks: ReturnType<typeof createWatermarks>
  readonly archive: ArchiveCloser
  /** Threads that own a sink, the newest last. */
  readonly owners: Readonly<Record<ThreadSink, Life[]>>
  /** The index sink has nothing to do. */
  isSettled(): boolean
  /** How far the newest owner of the archive has read. */
  archiveAt(): Watermark | null
  /** Starts one more owner of a sink beside the one that is there. */
  takeOver(sink: ThreadSink): void
}

type Say<M> = (message: M) => void

interface Station {
  readonly sink: Sink
  readonly hear: Say<ToThread>
}

/** Messages to one life, in their order, each when the scheduler says so. */
function createChannel<M extends { readonly type: string }>(
  scheduler: Scheduler,
  life: Life,
  hear: Say<M>,
): Say<M> {
  let last: Promise<void> = Promise.resolve()
  return (message) => {
    last = last.then(() => scheduler.gate(life, `hears ${message.type}`)).then(() => hear(message))
  }
}

export async function startSimulatedStreams(
  world: World,
  { life, clock, directory, store, index, told }: HostParts,
): Promise<SimulatedStreams> {
  const { scheduler, plants, events, disk } = world
  const { partitions, generation } = events
  const planting = { scheduler, life, disk }
  const watermarks = planted(
    plants,
    'watermarks',
    createWatermarks({ partitions, generation, clock }),
    planting,
  )
  const letters = createFaultyLog({
    ...{ name: 'letters', log: world.deadLetters, life, scheduler },
    faults: world.faults,
  })
  const indexSink = planted(
    plants,
    'indexSink',
    createIndexSink({
      index,
      store,
      clock,
      telemetry: silentTelemetry,
      primaryEvents: (app) => primaryEvents(directory.state).get(app) ?? [],
      deadLetter: async (letter) => {
        await letters.append(0, [encodeDeadLetter(letter)])
      },
      onApplied: (applied) => {
        watermarks.advance('index', applied)
        checkIndexed(world, { told, life }, applied)
      },
    }),
    planting,
  )
  const owners: Record<ThreadSink, Life[]> = { store: [], archive: [] }
  const mouths: Record<ThreadSink, Say<ToThread>> = { store: () => {}, archive: () => {} }
  const archive = createClosings((message) => mouths.archive(message))
  const primary = createPrimaryTeller(directory, indexSink, (message) => mouths.store(message))
  const ready = Promise.withResolvers<void>()
  /** Loads and batches that the index sink has not come to the end of. */
  let working = 0
  const take: typeof indexSink.take = (touches, upTo) => {
    working++
    indexSink.take(touches, upTo)
    void indexSink.settled().finally(() => working--)
  }
  /** What each owner said that the batch in its hand touches. */
  const touched = new Map<Life, ItemTouches[]>()
  const loadIndex = (applied: Watermark): void => {
    working++
    void indexSink.load([...directory.state.apps.keys()]).finally(() => working--)
    // What an owner that ended may have applied without a word; those that live tell it again.
    take([...touched.values()].flat(), applied)
  }
  const reached = new Map<Life, Watermark>()
  const hear = (message: FromThread, sink: ThreadSink, thread: Life): void => {
    if ('applied' in message) {
      const before = reached.get(thread) ?? message.applied
      reached.set(thread, union(before, message.applied))
    }
    if (message.type === 'touching') touched.get(thread)?.push(...message.touches)
    else if (message.type === 'published') watermarks.advance('archive', message.applied)
    else if (message.type === 'primary-set') primary.wasSet(message.revision)
    else if (message.type === 'closed-at') archive.closed(message.id, message.failure)
    else if (message.type === 'ready' && sink === 'store') {
      watermarks.advance('store', message.applied)
      ready.resolve()
      loadIndex(message.applied)
    } else if (message.type === 'applied' && sink === 'store') {
      watermarks.advance('store', message.applied)
      checkStored(world, message.applied)
      take(touched.get(thread)?.splice(0) ?? [], message.applied)
    }
  }
  const start = (sink: ThreadSink): void => {
    const thread = scheduler.life(`${life.name}-${sink}-${owners[sink].length}`, life)
    owners[sink].push(thread)
    touched.set(thread, [])
    const say = createChannel<FromThread>(scheduler, life, (message) => hear(message, sink, thread))
    mouths[sink] = startThread(world, thread, sink, say)
    if (sink === 'store') primary.tell(mouths.store)
    else archive.tell(mouths.archive)
    thread.ended.addEventListener('abort', () => {
      const isNewest = owners[sink].at(-1) === thread
      if (isNewest) void scheduler.gate(life, `starts ${sink} again`).then(() => start(sink))
    })
  }
  start('store')
  start('archive')
  await ready.promise
  await indexSink.settled()
  directory.subscribe((record) => {
    for (const change of record.changes) {
      if (change.type === 'app-deleted') void indexSink.forget(change.appId)
    }
    primary.renew()
  })
  return {
    watermarks,
    archive,
    owners,
    takeOver: start,
    isSettled: () => working === 0,
    archiveAt: () => reached.get(owners.archive.at(-1) as Life) ?? null,
  }
}

function startThread(
  world: World,
  life: Life,
  name: ThreadSink,
  say: Say<FromThread>,
): Say<ToThread> {
  const { scheduler, faults, plants, disk } = world
  const planting = { scheduler, life, disk }
  const access = { life, scheduler, faults }
  const plainLog = createFaultyLog({ name: 'log', log: world.events, ...access })
  const log = planted(plants, 'sinkLog', plainLog, planting)
  const letters = createFaultyLog({ name: 'letters', log: world.deadLetters, ...access })
  const station =
    name === 'store' ? storeStation(world, life, say) : archiveStation(world, life, say)
  const options = planted(
    plants,
    'pipeline',
    {
      sink: station.sink,
      log,
      clock: createLifeClock(scheduler.clock, life),
      telemetry: silentTelemetry,
      signal: new AbortController().signal,
      deadLetter: async (letter) => {
        await letters.append(0, [encodeDeadLetter(letter)])
      },
      onBegun: (applied) => say({ type: 'ready', applied }),
      onApplied: ({ applied }) => say({ type: 'applied', applied }),
    },
    planting,
  )
  runPipeline(options).then(
    (end) => world.wrong('pipeline', `the pipeline of ${life.name} ended: ${end}`),
    (error: unknown) => world.wrong('pipeline', `the pipeline of ${life.name} failed: ${error}`),
  )
  return createChannel<ToThread>(scheduler, life, station.hear)
}

function storeStation(world: World, life: Life, say: Say<FromThread>): Station {
  const { scheduler, faults, disk, plants } = world
  const writer = createFaultyStoreWriter({ disk, life, scheduler, faults })
  const touches = createTouchTeller(say)
  const sink = createStoreSink({
    writer: planted(plants, 'storeWriter', writer, { scheduler, life, disk }),
    clock: createLifeClock(scheduler.clock, life),
    onRecords: touches.onRecords,
  })
  return { sink, hear: touches.hear }
}

function archiveStation(world: World, life: Life, say: Say<FromThread>): Station {
  const { scheduler, faults, events, plants, disk } = world
  const { generation, partitions } = events
  const clock = createLifeClock(scheduler.clock, life)
  const files = createFaultyFiles({ files: world.files, life, scheduler, faults })
  const archive = createArchive({ files, telemetry: silentTelemetry, clock, generation })
  const sink = createArchiveSink({
    archive: planted(plants, 'archive', archive, { scheduler, life, disk }),
    partitions,
    generation,
    clock,
    onPublished: (applied) => say({ type: 'published', applied }),
  })
  return {
    sink,
    hear: (message) => {
      if (message.type !== 'close-at') return
      const { id, watermark } = message
      sink.closeAt(watermark).then(
        () => say({ type: 'closed-at', id }),
        (error: unknown) => say({ type: 'closed-at', id, failure: asMillraceError(error) }),
      )
    },
  }
}
