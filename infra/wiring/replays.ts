// Replays as the host of their thread: a version of the event store is opened by a control record, filled and compared in a
// thread of its own, then closed, or made the active one by one more control record.
//
//   opened ──▶ filled, compared ──▶ closed                                    its folder goes
//                               └─▶ store sink stops ▶ last records ▶ activated ▶ store sink starts on it    the old folder goes
//
// Whatever ends the process in between, the directory names one version that is whole; the other folders are removed by the
// next start (`prepareStoreVersion`).
import { rm } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { asMillraceError, MillraceError } from '#ports/errors'
import type { HeldItems } from '#ports/held-items'
import type { ItemIndex } from '#ports/item-index'
import type { JobProgress } from '#ports/job-queue'
import type { Telemetry } from '#ports/telemetry'
import type { ControlChange } from '#schemas/directory'
import type { IdSource } from '#schemas/ids'
import type { Watermark } from '#schemas/position'
import { openEventStore } from '../embedded/event-store.ts'
import {
  removeOtherVersions,
  removeTornVersion,
  storeVersionPath,
} from '../embedded/store-versions.ts'
import type { FilesPlace } from './files-place.ts'
import type { LogSource } from './log-source.ts'
import { change } from './operations/change.ts'
import { schemeOf } from './port-urls.ts'
import { primaryEvents } from './primary-events.ts'
import {
  type AppItems,
  type Compared,
  createTalk,
  type FromReplay,
  type ReplayThreadData,
  type Talk,
  type ToReplay,
} from './replay-talk.ts'
import type { StoreHandle } from './store-handle.ts'
import type { StorePlace } from './store-place.ts'
import type { Streams } from './streams-host.ts'

/** Time the index sink has to come to where the rebuilt version is. */
const SETTLE_MS = 30_000
/** Time the thread has to end after it was told. */
const ABORT_MS = 5_000

export interface ReplaysOptions {
  /** The data folder. */
  readonly data: string
  readonly storePlace: StorePlace
  readonly log: LogSource
  readonly filesPlace: FilesPlace
  readonly directory: Directory
  readonly store: StoreHandle
  readonly index: ItemIndex & Partial<HeldItems>
  readonly streams: Streams
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
}

export interface ReplayRequest {
  /** Make the rebuilt version the live one. */
  readonly activate: boolean
  readonly progress: (progress: JobProgress) => void
  readonly signal: AbortSignal
}

export interface ReplayReport extends Compared {
  readonly version: string
  readonly activated: boolean
  /** Milliseconds in which no record was applied, because the store sink changed versions; null without a switch. */
  readonly pausedMs: number | null
}

export interface Replays {
  /** @throws MillraceError CONFIG_UNSUPPORTED, REPLAY_RUNNING, REPLAY_FAILED, ARCHIVE_CORRUPT, DISK_FULL, LOG_TRIMMED */
  run(request: ReplayRequest): Promise<ReplayReport>
}

/**
 * The folder of the active version. What a replay left that was stopped, a version that was replaced, and what a stop of the
 * machine has torn are removed.
 * Before the store is opened.
 */
export async function prepareStoreVersion({
  data,
  directory,
  telemetry,
}: Pick<ReplaysOptions, 'data' | 'directory' | 'telemetry'>): Promise<string> {
  const { open } = directory.state.store
  if (open !== null) await writeChange(directory, { type: 'store-closed', versionId: open })
  const { active } = directory.state.store
  const removed = await removeOtherVersions(data, active)
  if (removed.length > 0) telemetry.log('info', 'store-versions-removed', { folders: removed })
  const path = storeVersionPath(data, active)
  if (await removeTornVersion(path)) {
    telemetry.log('warn', 'store-torn', { what: 'the machine stopped before a flush', path })
  }
  return path
}

export function createReplays(options: ReplaysOptions): Replays {
  const { data, directory, clock, ids, storePlace } = options
  return {
    run: async (request) => {
      const { url } = storePlace
      if (schemeOf('store', url) !== 'lmdb:') {
        const supported = 'lmdb: (versions of a store on a server cannot be made yet)'
        throw new MillraceError('CONFIG_UNSUPPORTED', { where: 'store', value: url, supported })
      }
      const version = ids(clock.now())
      const path = storeVersionPath(data, version)
      await openVersion(directory, version)
      const thread = startThread(options, request, path)
      try {
        const compared = await thread.talk.ask('compare', { items: itemsOf(options) })
        request.signal.throwIfAborted()
        const report = { ...compared, version, activated: request.activate, pausedMs: null }
        if (!request.activate) return report
        await thread.talk.ask('approach', {})
        request.signal.throwIfAborted()
        const pausedMs = await activate(options, version, thread.talk, compared.differences.apps)
        return { ...report, pausedMs }
      } catch (error) {
        throw failure(error, request.signal)
      } finally {
        await thread.end()
        if (directory.state.store.open === version) await discard(options, version)
      }
    },
  }
}

function failure(error: unknown, signal: AbortSignal): MillraceError {
  if (signal.aborted) return new MillraceError('REPLAY_FAILED', { reason: 'it was interrupted' })
  const known = asMillraceError(error)
  if (known.code !== 'INTERNAL') return known
  return new MillraceError('REPLAY_FAILED', { reason: known.message }, { cause: error })
}

/** @throws MillraceError REPLAY_RUNNING */
async function openVersion(directory: Directory, version: string): Promise<void> {
  await change(directory, ({ store }) => {
    if (store.open !== null) throw new MillraceError('REPLAY_RUNNING', { version: store.open })
    const changes: ControlChange[] = [{ type: 'store-opened', versionId: version }]
    return { expects: { store: store.revision }, changes }
  })
}

async function writeChange(directory: Directory, made: ControlChange): Promise<void> {
  await change(directory, ({ store }) => ({ expects: { store: store.revision }, changes: [made] }))
}

async function discard({ data, directory, telemetry }: ReplaysOptions, version: string) {
  try {
    await rm(storeVersionPath(data, version), { recursive: true, force: true })
    await writeChange(directory, { type: 'store-closed', versionId: version })
  } catch (error) {
    // The next start does it.
    const reason = asMillraceError(error).message
    telemetry.log('warn', 'store-version-left', { version, reason })
  }
}

/** null when the index does not tell what it holds. */
function itemsOf({ directory, index }: ReplaysOptions): readonly AppItems[] | null {
  if (index.heldItems === undefined || index.listItems === undefined) return null
  const primary = primaryEvents(directory.state)
  return [...directory.state.apps.keys()].map((app) => ({
    app,
    primaryEvents: [...(primary.get(app) ?? [])].sort(),
  }))
}

interface Thread {
  readonly talk: Talk<ToReplay>
  /** Lets it close its version, and ends it. */
  end(): Promise<void>
}

function startThread(options: ReplaysOptions, request: ReplayRequest, path: string): Thread {
  const { index, streams, directory, clock, log, filesPlace } = options
  const livePath = storeVersionPath(options.data, directory.state.store.active)
  const data: ReplayThreadData = { role: 'replay', log, files: filesPlace, livePath, path }
  const worker = new Worker(new URL('./replay-worker.ts', import.meta.url), {
    workerData: data,
    name: 'millrace-replay',
  })
  const primary = new Map(itemsOf(options)?.map((its) => [its.app, its.primaryEvents]))
  const talk = createTalk<ToReplay, FromReplay>(
    worker,
    {
      held: async ({ app, items }) => index.heldItems?.(app, items, primary.get(app) ?? []) ?? [],
      list: async ({ app, from, limit }) =>
        index.listItems?.(app, from, limit) ?? { items: [], next: null },
      settled: ({ watermark }) => streams.watermarks.waitFor('index', watermark, SETTLE_MS),
    },
    { onProgress: request.progress },
  )
  let reason = 'its thread ended'
  worker.on('error', (error) => {
    reason = error instanceof Error ? error.message : String(error)
  })
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      talk.end(new MillraceError('REPLAY_FAILED', { reason }))
      resolve()
    })
  })
  const abort = (): void => talk.abort()
  request.signal.addEventListener('abort', abort, { once: true })
  return {
    talk,
    end: async () => {
      request.signal.removeEventListener('abort', abort)
      talk.abort()
      const over = new AbortController()
      await Promise.race([exited, clock.sleep(ABORT_MS, over.signal)])
      over.abort()
      await worker.terminate()
    },
  }
}

/** Switches; resolves with the time for which the store sink stood still, in milliseconds. */
async function activate(
  options: ReplaysOptions,
  version: string,
  talk: Talk<ToReplay>,
  apps: readonly number[],
): Promise<number> {
  const { data, directory, store, streams, clock, telemetry } = options
  const before = storeVersionPath(data, directory.state.store.active)
  const stoppedAt = clock.monotonic()
  let closed: Promise<void> = Promise.resolve()
  await streams.replaceStore(async () => {
    store.refresh()
    const upTo: Watermark = await store.applied()
    await talk.ask('finish', { upTo })
    await activateVersion(directory, version)
    const path = storeVersionPath(data, version)
    closed = store.replace(await openEventStore({ path }))
    return { path, reload: apps }
  })
  const pausedMs = clock.monotonic() - stoppedAt
  // Long reads may still run on the version before.
  closed
    .then(() => rm(before, { recursive: true, force: true }))
    .catch((error: unknown) => {
      const reason = asMillraceError(error).message
      telemetry.log('warn', 'store-version-left', { version: before, reason })
    })
  return pausedMs
}

/** Also when the log did not say whether it took the record, the directory knows. */
async function activateVersion(directory: Directory, version: string): Promise<void> {
  try {
    await writeChange(directory, { type: 'store-activated', versionId: version })
  } catch (error) {
    await directory.catchUp()
    if (directory.state.store.active !== version) throw error
  }
}
