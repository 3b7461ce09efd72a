// Versions of the event store in the fold of the control log. One is active; at most one other is open, being filled by a
// replay. The first one was never opened and has no id.
import type { ControlChange, StoreVersions } from './directory.ts'

export type StoreChange = Extract<
  ControlChange,
  { readonly type: 'store-opened' | 'store-activated' | 'store-closed' }
>

export const FIRST_STORE: StoreVersions = { active: null, open: null, revision: 0 }

/** Ids are part of the names of folders and tables. */
const VERSION_ID = /^[a-z0-9-]{1,64}$/

/** The versions after a change, or the rule that it breaks. */
export function changeStore(
  store: StoreVersions,
  { type, versionId }: StoreChange,
  revision: number,
): StoreVersions | { readonly rule: string } {
  if (type === 'store-opened') {
    if (!VERSION_ID.test(versionId)) return { rule: `${versionId} is no id for a store version.` }
    if (store.open !== null) return { rule: `The store version ${store.open} is open.` }
    if (store.active === versionId) return { rule: `The store version ${versionId} is active.` }
    return { ...store, open: versionId, revision }
  }
  if (store.open !== versionId) return { rule: `The store version ${versionId} is not open.` }
  const active = type === 'store-activated' ? versionId : store.active
  return { active, open: null, revision }
}
