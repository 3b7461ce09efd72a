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
import type { ItemIndex } from '#ports/item-index'
import type { Telemetry } from '#ports/telemetry'
import type { DeadLetter } from '#schemas/dead-letter'
import { union, type Watermark } from '#schemas/position'
import { createIndexMender, type StoppedIndex } from './index-mender.ts'
import { createItemFiller, mergeTouches, type Waiting } from './item-filler.ts'
import type { ItemTouches } from './item-touches.ts'
import { retryDelay } from './retry.ts'

export interface IndexSinkOptions {
  readonly index: ItemIndex
  readonly store: EventStore
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Names of the events whose targets are items of the app, as they are now. */
  readonly primaryEvents: (app: number) => Iterable<string>
  /** Makes a dead letter of an item that the index refuses durable. */
  readonly deadLetter: (letter: DeadLetter) => Promise<void>
  readonly onApplied: (applied: Watermark) => void
  readonly onTrouble?: (error: MillraceError | null) => void
}

/** What the index sink does not do because the index refused too much. */
export interface IndexStops {
  /** Why nothing is applied any more: items of several apps were refused. null while it runs. */
  readonly all: string | null
  /** Apps whose index stands still. */
  readonly apps: readonly StoppedIndex[]
}

export interface IndexSink {
  /**
   * Fills the index of apps from the store: states of items and targets of primary events. A list, since it is gone
   * through again after a failure.
   */
  load(apps: readonly number[]): Promise<void>
  /** Loads the targets of one more primary event. */
  loadTargets(app: number, event: string): Promise<void>
  /** Forgets the items of an app that is gone. */
  forget(app: number): Promise<void>
  /** Takes what a batch touched; the index watermark moves to `upTo` when it is applied. */
  take(touches: readonly ItemTouches[], upTo: Watermark): void
  stops(): IndexStops
  /** Resolves when everything taken so far is applied, when the sink stopped, or when it is closed. */
  settled(): Promise<void>
  close(): Promise<void>
}

export function createIndexSink(options: IndexSinkOptions): IndexSink {
  const { index, store, clock, telemetry, onApplied } = options
  const stop = new AbortController()
  let waiting: Waiting = new Map()
  let target: Watermark | null = null
  let busy = false
  let all: string | null = null
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
  const filler = createItemFiller({
    ...options,
    onAppStopped: (app, reason) => mender.stopped(app, reason),
    onBroken: (reason) => {
      all = reason
      telemetry.log('error', 'sink-broken', { sink: 'index', reason })
    },
  })
  const refill = async (app: number): Promise<boolean> => {
    let mended = false
    await inTurn(async () => {
      mended = await filler.refill(app)
    })
    return mended
  }
  const mender = createIndexMender({ clock, telemetry, signal: stop.signal, refill })
  const work = async (): Promise<void> => {
    while (target !== null && all === null && !stop.signal.aborted) {
      const upTo: Watermark = target
      const batch = waiting
      target = null
      waiting = new Map()
      // A batch that touched nothing is applied at once, unless a load is under way that it must not overtake.
      if (batch.size > 0 || turns > 0) await inTurn(() => filler.apply(batch))
      if (all === null && !stop.signal.aborted) onApplied(upTo)
    }
    busy = false
  }
  return {
    load: (apps) => inTurn(() => filler.load(apps)),
    loadTargets: (app, event) => inTurn(() => filler.loadTargets(app, event)),
    forget: (app) => {
      mender.forget(app)
      return inTurn(() => index.clearItems(app))
    },
    take: (touches, upTo) => {
      if (all !== null) return
      for (const touch of touches) mergeTouches(waiting, touch)
      target = target === null ? upTo : union(target, upTo)
      if (busy) return
      busy = true
      done = work()
    },
    stops: () => ({ all, apps: mender.list() }),
    settled: async () => {
      while (busy) await done
    },
    close: async () => {
      stop.abort()
      await turn
    },
  }
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
