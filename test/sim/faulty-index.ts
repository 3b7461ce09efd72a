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
  /** What the index was told, by app and item. */
  readonly states: ReadonlyMap<number, ReadonlyMap<string, ItemState>>
  /** Targets it was told, by app: `event/item`. */
  readonly seen: ReadonlyMap<number, ReadonlySet<string>>
}

export interface FaultyIndexOptions {
  readonly life: Life
  readonly scheduler: Scheduler
  readonly faults: Faults
}

export function createFaultyIndex({ life, scheduler, faults }: FaultyIndexOptions): FaultyIndex {
  const index = createMemoryItemIndex()
  const states = new Map<number, Map<string, ItemState>>()
  const seen = new Map<number, Set<string>>()
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
    states,
    seen,
    applyItems: (app, changes) =>
      guarded(`apply ${changes.length}`, async () => {
        for (const change of changes) told(app, change)
        return index.applyItems(app, changes)
      }),
    clearItems: (app) =>
      guarded(`clear ${app}`, async () => {
        states.delete(app)
        seen.delete(app)
        await index.clearItems(app)
      }),
    refresh: () => guarded('refresh', () => index.refresh()),
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
