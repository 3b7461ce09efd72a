// The item index of one process: it may refuse what it is told, and have taken it all the same. It keeps a list of what
// stands in it, for the checkers.
import { MillraceError } from '#ports/errors'
import type { ItemChange, ItemIndex } from '#ports/item-index'
import type { ItemState } from '#schemas/state'
import { createMemoryItemIndex } from '../support/memory/item-index.ts'
import type { Faults } from './faults.ts'
import type { Life, Scheduler } from './scheduler.ts'

export interface FaultyIndex extends ItemIndex {
  /** The index without gates and faults. */
  readonly inside: ItemIndex
  readonly refilling: ReadonlyMap<number, Life>
  /** What the index was told, by app and item. */
  readonly states: ReadonlyMap<number, ReadonlyMap<string, ItemState>>
  /** Targets it was told, by app: `event/item`. */
  readonly seen: ReadonlyMap<number, ReadonlySet<string>>
}

/** What stands in an index: of one process, or of a server that several share. */
export interface IndexCore {
  readonly index: ItemIndex
  readonly states: Map<number, Map<string, ItemState>>
  readonly seen: Map<number, Set<string>>
  /** Apps whose items somebody forgot and is telling anew. */
  readonly refilling: Map<number, Life>
}

export const createIndexCore = (): IndexCore => ({
  index: createMemoryItemIndex(),
  states: new Map(),
  seen: new Map(),
  refilling: new Map(),
})

export interface FaultyIndexOptions {
  readonly core: IndexCore
  readonly life: Life
  readonly scheduler: Scheduler
  readonly faults: Faults
}

export function createFaultyIndex({
  core: { index, states, seen, refilling },
  life,
  scheduler,
  faults,
}: FaultyIndexOptions): FaultyIndex {
  // A process that begins tells everything: also what one forgot that ended before it told it anew.
  for (const [app, by] of refilling) if (by.ended.aborted) refilling.set(app, life)
  const gate = (label: string): Promise<void> => scheduler.gate(life, `index.${label}`)
  const fail = (): void => {
    if (!faults.happens('failedIndex') && !(faults.active && faults.indexAway)) return
    throw new MillraceError('STORE_FAILED', { reason: 'the index is away' })
  }
  const told = (app: number, change: ItemChange): void => {
    if (change.type === 'seen') {
      const items = seen.get(app) ?? new Set()
      seen.set(app, items.add(`${change.event}/${change.item}`))
      return
    }
    const { state } = change
    const its = states.get(app) ?? new Map<string, ItemState>()
    states.set(app, its)
    if ((its.get(state.item)?.offset ?? -1) <= state.offset) its.set(state.item, state)
  }
  /** Before and behind what is done the call may break. */
  const guarded = async <T>(label: string, work: () => Promise<T>): Promise<T> => {
    await gate(label)
    fail()
    const result = await work()
    await gate(`${label}: done`)
    if (faults.happens('failedIndex')) {
      throw new MillraceError('STORE_FAILED', { reason: 'the index gave no answer' })
    }
    return result
  }
  return {
    inside: index,
    refilling,
    states,
    seen,
    applyItems: (app, changes) =>
      guarded(`apply ${changes.length}`, async () => {
        for (const change of changes) told(app, change)
        return index.applyItems(app, changes)
      }),
    clearItems: (app) =>
      guarded(`clear ${app}`, async () => {
        refilling.set(app, life)
        states.delete(app)
        seen.delete(app)
        await index.clearItems(app)
      }),
    refresh: () =>
      guarded('refresh', async () => {
        for (const [app, by] of refilling) {
          if (by === life) refilling.delete(app)
        }
        await index.refresh()
      }),
    publish: (version, model) =>
      guarded(`publish ${version.versionId}`, () => index.publish(version, model)),
    retire: (engineId, versionId) =>
      guarded(`retire ${versionId}`, () => index.retire(engineId, versionId)),
    versions: () => index.versions(),
    search: (...query) => gate('search').then(() => index.search(...query)),
    lists: (...items) => guarded('lists', () => index.lists(...items)),
    health: () => index.health(),
    close: () => index.close(),
  }
}
