// Writes items to the index, a slice between two turns of the event loop, and looks at what the index refuses: a refused
// item gets a dead letter; too many of one app stop that app's index, too many of several stop the sink.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { ItemChange, ItemIndex, ItemRefusal } from '#ports/item-index'
import type { Telemetry } from '#ports/telemetry'
import { encodeRecord } from '#schemas/codec'
import type { DeadLetter } from '#schemas/dead-letter'
import { DEFAULT_CHANNEL } from '#schemas/event'
import { partitionOf } from '#schemas/partition'
import type { Watermark } from '#schemas/position'
import type { ItemState } from '#schemas/state'
import {
  type BreakerState,
  CLOSED_BREAKER,
  countGood,
  countRefused,
  forgive,
  guiltyApp,
  isBroken,
} from './breaker.ts'
import { ITEM_TYPE } from './item-touches.ts'

/** Items read and written between two turns of the event loop. */
const SLICE = 200

/** Refusals remembered, so that an item that is touched often does not get a letter each time. */
const REMEMBERED_MAX = 1000

export interface ItemWriterOptions {
  readonly index: ItemIndex
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** Where the log stands that the items come from, for the letters. */
  readonly place: () => Promise<Watermark>
  readonly deadLetter: (letter: DeadLetter) => Promise<void>
  readonly onAppStopped: (app: number, reason: string) => void
  readonly onBroken: (reason: string) => void
}

export interface ItemWriter {
  /** Writes changes of one app, unless its index or the whole sink is stopped, or becomes so meanwhile. */
  write(app: number, changes: AsyncIterable<ItemChange>): Promise<void>
  isStopped(app: number): boolean
  /** Takes an app's changes again. */
  restart(app: number): void
}

export function createItemWriter(options: ItemWriterOptions): ItemWriter {
  const { index } = options
  const stopped = new Set<number>()
  const remembered = new Map<string, string>()
  let breaker: BreakerState = CLOSED_BREAKER
  let broken = false

  const isStopped = (app: number): boolean => broken || stopped.has(app)
  const count = (app: number, changes: number, refusals: readonly ItemRefusal[]): void => {
    breaker = countGood(breaker, changes - refusals.length)
    for (const { reason } of refusals) {
      breaker = countRefused(breaker, app)
      if (!isBroken(breaker)) continue
      const guilty = guiltyApp(breaker)
      if (guilty === null) {
        broken = true
        options.onBroken(reason)
      } else {
        stopped.add(guilty)
        breaker = forgive(breaker, guilty)
        options.onAppStopped(guilty, reason)
      }
      return
    }
  }
  const bury = async (app: number, slice: readonly ItemChange[], refusal: ItemRefusal) => {
    const { item, reason } = refusal
    const key = `${app} ${item}`
    if (remembered.get(key) === reason) return
    const change = slice.findLast((c) => c.type === 'state' && c.state.item === item)
    const state = change?.type === 'state' ? change.state : null
    const place = await options.place()
    await options.deadLetter(letterOf(place, options.clock.now(), app, refusal, state))
    options.telemetry.log('warn', 'item-refused', { app, item, reason })
    if (remembered.size >= REMEMBERED_MAX) remembered.clear()
    remembered.set(key, reason)
  }
  const writeSlice = async (app: number, slice: readonly ItemChange[]): Promise<void> => {
    const refusals = await index.applyItems(app, slice)
    for (const refusal of refusals) await bury(app, slice, refusal)
    count(app, slice.length, refusals)
  }
  return {
    isStopped,
    restart: (app) => {
      stopped.delete(app)
    },
    write: async (app, changes) => {
      let slice: ItemChange[] = []
      for await (const change of changes) {
        if (isStopped(app)) return
        slice.push(change)
        if (slice.length < SLICE) continue
        await writeSlice(app, slice)
        slice = []
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (slice.length > 0 && !isStopped(app)) await writeSlice(app, slice)
    },
  }
}

/** The letter of an item the index refuses: its state as a `$set`, which can be mended and sent. */
function letterOf(
  { generation, offsets }: Watermark,
  now: number,
  app: number,
  { item, reason }: ItemRefusal,
  state: ItemState | null,
): DeadLetter {
  const value = encodeRecord({
    kind: 'event',
    app,
    channel: DEFAULT_CHANNEL,
    appendId: '',
    event: {
      eventId: `state of ${item}`,
      event: '$set',
      entityType: ITEM_TYPE,
      entityId: item,
      targetEntityType: null,
      targetEntityId: null,
      properties: JSON.stringify(state?.properties ?? {}),
      eventTime: now,
      eventTimeOffset: 0,
      prId: null,
      creationTime: now,
    },
  })
  return {
    time: now,
    reason: 'ITEM_REFUSED',
    message: new MillraceError('ITEM_REFUSED', { item, reason }).message,
    sink: 'index',
    generation,
    partition: partitionOf(app, DEFAULT_CHANNEL, ITEM_TYPE, item, offsets.length),
    offset: state?.offset ?? 0,
    value: value.toString('base64'),
  }
}
