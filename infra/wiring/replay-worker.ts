// Where the thread of a replay starts: it fills a version of the event store, compares it with the live one and with the item
// index, and brings it to the place at which the platform switches. It writes only into its own version.
import { setPriority } from 'node:os'
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '#ports/clock'
import type { Closable } from '#ports/lifecycle'
import type { LogReader } from '#ports/log'
import { silentTelemetry } from '#ports/telemetry'
import type { Watermark } from '#schemas/position'
import { compareIndex, type IndexCompared } from '../../streams/compare-index.ts'
import { compareStores } from '../../streams/compare-stores.ts'
import { createDifferences, type DifferenceCollector } from '../../streams/differences.ts'
import { createStoreFill, type StoreFill } from '../../streams/fill-store.ts'
import { createArchive } from '../archive/archive.ts'
import { openTables, readWatermark, type Tables } from '../embedded/event-store/environment.ts'
import { takeSnapshot } from '../embedded/event-store/snapshot.ts'
import { openStoreWriter } from '../embedded/event-store-writer.ts'
import { openFilesAt } from './files-place.ts'
import { openLogSource } from './log-source.ts'
import { rebuiltItems } from './replay-items.ts'
import {
  type AppItems,
  type Compared,
  createTalk,
  type FromReplay,
  type ReplayThreadData,
  type Talk,
  type ToReplay,
} from './replay-talk.ts'

/** After sinks and queries. */
const NICENESS = 12
/** The live version goes on while this one is filled: it is close when so few records are left. */
const CLOSE_RECORDS = 2_000
const ROUNDS_MAX = 100
const PROGRESS_EVERY_MS = 200

async function run(port: MessagePort, data: ReplayThreadData): Promise<void> {
  const stop = new AbortController()
  const { signal } = stop
  const ready = open(data, signal, (step, done, total, unit) =>
    talk.progress({ step, done, total, unit }),
  )
  let busy: Promise<unknown> = Promise.resolve()
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => {
    closing ??= ready.then(async ({ parts }) => {
      for (const part of parts) await part.close()
    })
    return closing
  }
  const talk: Talk<FromReplay> = createTalk<FromReplay, ToReplay>(
    port,
    {
      compare: ({ items }): Promise<Compared> => {
        const compared = ready.then((opened) => compare({ ...opened, talk, signal }, items))
        busy = compared
        return compared
      },
      approach: async () => {
        const { fill, log, writer } = await ready
        await comeClose(fill, () => endOf(log))
        await writer.flushed()
        return null
      },
      finish: async ({ upTo }) => {
        await (await ready).fill.to(upTo.offsets)
        await close()
        return null
      },
    },
    { onAbort: () => stop.abort() },
  )
  signal.addEventListener('abort', async () => {
    await busy.catch(() => {})
    await close()
    port.close()
  })
}

type Tell = (step: string, done: number, total: number, unit: string) => void

async function open(data: ReplayThreadData, signal: AbortSignal, tell: Tell) {
  const files = await openFilesAt(data.files, systemClock)
  const log = await openLogSource(data.log, systemClock, silentTelemetry)
  const { generation } = log
  const archive = createArchive({
    files,
    telemetry: silentTelemetry,
    clock: systemClock,
    generation,
  })
  const writer = await openStoreWriter({ path: data.path })
  const live = openTables({ path: data.livePath })
  const rebuilt = openTables({ path: data.path })
  const total = sum(await endOf(log))
  const told = sparingly((done: number) => tell('rebuild', done, Math.max(done, total), 'records'))
  const fill = await createStoreFill({
    archive,
    log,
    writer,
    signal,
    onProgress: ({ fromArchive, fromLog }) => told(fromArchive + fromLog),
  })
  const parts: Closable[] = [writer, rebuilt.root, live.root, log, archive, files]
  return { log, fill, writer, live, rebuilt, parts, tell }
}

type Work = Awaited<ReturnType<typeof open>> & {
  readonly talk: Talk<FromReplay>
  readonly signal: AbortSignal
}

async function compare(work: Work, items: readonly AppItems[] | null): Promise<Compared> {
  const differences = createDifferences()
  const { watermark, filled, events } = await compareVersions(work, differences)
  const index = await compareItems(work, items, differences)
  return { watermark, filled, events, differences: differences.result(), index }
}

/** Fills the version up to a snapshot of the live one and compares them there. */
async function compareVersions(
  { fill, live, rebuilt, writer, signal, tell }: Work,
  differences: DifferenceCollector,
): Promise<Pick<Compared, 'watermark' | 'filled' | 'events'>> {
  await comeClose(fill, async () => appliedBy(live))
  const mine = takeSnapshot(live)
  try {
    await fill.to(mine.watermark.offsets)
    // Their dead letters are the live sink's, who has refused them too.
    await writer.buried(await writer.unburied())
    rebuilt.root.resetReadTxn()
    const theirs = takeSnapshot(rebuilt)
    const events = theirs.tenants().reduce((count, tenant) => count + tenant.count, 0)
    const told = sparingly((done) => tell('compare', done, Math.max(done, events), 'events'))
    try {
      await compareStores({ live: mine, rebuilt: theirs, differences, onProgress: told, signal })
    } finally {
      await theirs.close()
    }
    return { watermark: mine.watermark, filled: fill.filled, events }
  } finally {
    await mine.close()
  }
}

class Unsettled extends Error {}

async function compareItems(
  { fill, log, rebuilt, talk, signal }: Work,
  items: readonly AppItems[] | null,
  differences: DifferenceCollector,
): Promise<IndexCompared | { readonly skipped: string }> {
  if (items === null) return { skipped: 'this index does not tell what it holds' }
  const settle = async (): Promise<Watermark> => {
    await fill.to(await endOf(log))
    rebuilt.root.resetReadTxn()
    const watermark = { generation: log.generation, offsets: [...fill.offsets] }
    if (!(await talk.ask('settled', { watermark }))) throw new Unsettled()
    return watermark
  }
  try {
    return await compareIndex({
      apps: items,
      live: {
        held: (app, page) => talk.ask('held', { app, items: page }),
        list: (app, from, limit) => talk.ask('list', { app, from, limit }),
      },
      rebuilt: rebuiltItems(rebuilt, items),
      settle,
      differences,
      signal,
    })
  } catch (error) {
    if (error instanceof Unsettled) return { skipped: 'the index sink does not come on' }
    throw error
  }
}

/** Follows an end that moves until little is left. */
async function comeClose(fill: StoreFill, end: () => Promise<readonly number[]>): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const wanted = await end()
    const left = sum(wanted) - sum(fill.offsets)
    if (left <= 0) return
    await fill.to(wanted)
    if (left < CLOSE_RECORDS) return
  }
}

async function endOf(log: LogReader): Promise<number[]> {
  return Promise.all(Array.from({ length: log.partitions }, (_, p) => log.end(p)))
}

function appliedBy(tables: Tables): readonly number[] {
  tables.root.resetReadTxn()
  return readWatermark(tables).offsets
}

const sum = (offsets: readonly number[]): number => offsets.reduce((a, b) => a + b, 0)

function sparingly(tell: (done: number) => void): (done: number) => void {
  let next = 0
  return (done) => {
    const now = systemClock.monotonic()
    if (now < next) return
    next = now + PROGRESS_EVERY_MS
    tell(done)
  }
}

if (!isMainThread && parentPort !== null && workerData?.role === 'replay') {
  setPriority(NICENESS)
  await run(parentPort, workerData as ReplayThreadData)
}
