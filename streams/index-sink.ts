// The index sink. It lives where queries are answered and is told by the store sink which items a batch touched; it then
// reads their whole state as it is *now* and writes that, never a delta, so that repeats and late messages do no harm.
//
//   store sink ── touched items, watermark ──▶ waiting set ──▶ read states ──▶ item index ──▶ index watermark
//
// The waiting set holds each item once, so it stays smaller than the index itself however far the index is behind. Work
// is done in slices, between which requests are answered.
import type { Clock } from '#ports/clock'
import { asMillraceError, type MillraceError } from '#ports/errors'
import type { EventStore } from '#ports/event-store'
import type { ItemChange, ItemIndex } from '#ports/item-index'
import type { Telemetry } from '#ports/telemetry'
import { DEFAULT_CHANNEL } from '#schemas/event'
import { partitionOf } from '#schemas/partition'
import { union, type Watermark } from '#schemas/position'
import { itemState } from './item-state.ts'
import { ITEM_TYPE, type ItemTouches } from './item-touches.ts'
import { retryDelay } from './retry.ts'

/** Items read and written between two turns of the event loop. */
const SLICE = 200

export interface IndexSinkOptions {
  readonly index: ItemIndex
  readonly store: EventStore
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Names of the events whose targets are items of the app, as they are now. */
  readonly primaryEvents: (app: number) => Iterable<string>
  readonly onApplied: (applied: Watermark) => void
  readonly onTrouble?: (error: MillraceError | null) => void
}

export interface IndexSink {
  /** Fills the index of apps from the store: states of items and targets of primary events. */
  load(apps: Iterable<number>): Promise<void>
  /** Loads the targets of one more primary event. */
  loadTargets(app: number, event: string): Promise<void>
  /** Forgets the items of an app that is gone. */
  forget(app: number): Promise<void>
  /** Takes what a batch touched; the index watermark moves to `upTo` when it is applied. */
  take(touches: readonly ItemTouches[], upTo: Watermark): void
  /** Resolves when everything taken so far is applied, or when the sink is closed. */
  settled(): Promise<void>
  close(): Promise<void>
}

interface Waiting {
  reset: boolean
  readonly states: Set<string>
  readonly seen: Map<string, Set<string>>
}

export function createIndexSink(options: IndexSinkOptions): IndexSink {
  const { index, store, onApplied } = options
  const stop = new AbortController()
  let waiting = new Map<number, Waiting>()
  let target: Watermark | null = null
  let busy = false
  let done: Promise<void> = Promise.resolve()
  /** Loads and batches take turns, so that a load never writes an older state over a newer one. */
  let turn: Promise<void> = Promise.resolve()

  let turns = 0

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turns++
    turn = turn
      .then(() =>
        persist(
          options,
          async () => {
            store.refresh()
            await work()
            await index.refresh()
          },
          stop.signal,
        ),
      )
      .finally(() => {
        turns--
      })
    return turn
  }
  const loadApp = async (app: number): Promise<void> => {
    await loadStates(options, app)
    for (const event of options.primaryEvents(app)) await loadTargets(options, app, event)
  }
  const work = async (): Promise<void> => {
    while (target !== null && !stop.signal.aborted) {
      const upTo: Watermark = target
      const batch = waiting
      target = null
      waiting = new Map()
      // A batch that touched nothing is applied at once, unless a load is under way that it must not overtake.
      if (batch.size > 0 || turns > 0) {
        await inTurn(async () => {
          for (const [app, touches] of batch) {
            if (touches.reset) {
              await index.clearItems(app)
              await loadApp(app)
            } else await applyTouches(options, app, touches)
          }
        })
      }
      if (!stop.signal.aborted) onApplied(upTo)
    }
    busy = false
  }
  return {
    load: (apps) =>
      inTurn(async () => {
        for (const app of apps) await loadApp(app)
      }),
    forget: (app) => inTurn(() => index.clearItems(app)),
    loadTargets: (app, event) => inTurn(() => loadTargets(options, app, event)),
    take: (touches, upTo) => {
      for (const touch of touches) merge(waiting, touch)
      target = target === null ? upTo : union(target, upTo)
      if (busy) return
      busy = true
      done = work()
    },
    settled: async () => {
      while (busy) await done
    },
    close: async () => {
      stop.abort()
      await turn
    },
  }
}

function merge(waiting: Map<number, Waiting>, touches: ItemTouches): void {
  let mine = waiting.get(touches.app)
  if (mine === undefined) {
    mine = { reset: false, states: new Set(), seen: new Map() }
    waiting.set(touches.app, mine)
  }
  mine.reset ||= touches.reset
  for (const item of touches.states) mine.states.add(item)
  for (const { event, items } of touches.seen) {
    const seen = mine.seen.get(event) ?? new Set<string>()
    mine.seen.set(event, seen)
    for (const item of items) seen.add(item)
  }
}

async function applyTouches(options: IndexSinkOptions, app: number, touches: Waiting) {
  const { store } = options
  const applied = await store.applied()
  async function* changes(): AsyncGenerator<ItemChange> {
    for (const item of touches.states) {
      const state = await store.state(app, DEFAULT_CHANNEL, ITEM_TYPE, item)
      const partition = partitionOf(app, DEFAULT_CHANNEL, ITEM_TYPE, item, applied.offsets.length)
      const offset = applied.offsets[partition] ?? 0
      yield { type: 'state', state: itemState(item, state, offset) }
    }
    for (const [event, items] of touches.seen) {
      for (const item of items) yield { type: 'seen', event, item }
    }
  }
  await applyInSlices(options.index, app, changes())
}

async function loadStates({ store, index }: IndexSinkOptions, app: number): Promise<void> {
  async function* changes(): AsyncGenerator<ItemChange> {
    for await (const found of store.states(app, DEFAULT_CHANNEL, ITEM_TYPE)) {
      yield { type: 'state', state: itemState(found.entityId, found.state, found.offset) }
    }
  }
  await applyInSlices(index, app, changes())
}

async function loadTargets({ store, index }: IndexSinkOptions, app: number, event: string) {
  async function* changes(): AsyncGenerator<ItemChange> {
    for await (const item of store.targets(app, DEFAULT_CHANNEL, event, ITEM_TYPE)) {
      yield { type: 'seen', event, item }
    }
  }
  await applyInSlices(index, app, changes())
}

async function applyInSlices(
  index: ItemIndex,
  app: number,
  changes: AsyncIterable<ItemChange>,
): Promise<void> {
  let slice: ItemChange[] = []
  for await (const change of changes) {
    slice.push(change)
    if (slice.length < SLICE) continue
    await index.applyItems(app, slice)
    slice = []
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (slice.length > 0) await index.applyItems(app, slice)
}

/** Does something as often as it takes, with growing waits; gives up only when the sink is closed. */
async function persist(
  { clock, telemetry, onTrouble }: IndexSinkOptions,
  work: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; !signal.aborted; tries++) {
    try {
      await work()
      if (tries > 1) onTrouble?.(null)
      return
    } catch (error) {
      const trouble = asMillraceError(error)
      telemetry.emit('millrace_sink_failures_total', 1, { sink: 'index' })
      const { code, message: reason } = trouble
      telemetry.log('warn', 'sink-failed', { sink: 'index', code, reason, tries })
      onTrouble?.(trouble)
      await clock.sleep(retryDelay(tries), signal)
    }
  }
}
