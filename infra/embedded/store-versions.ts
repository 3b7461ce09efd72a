// Versions of the event store as folders beside each other: `store`, the first, and `store-<version>` of those that a replay
// has made. The directory says which one is active; all others are left of a replay that was stopped, or of a switch.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isBroken, removeBroken } from './event-store/crash-mark.ts'
import { storeError } from './event-store/environment.ts'

const FIRST = 'store'
const LATER = 'store-'

/** The folder of a version; null stands for the first. */
export function storeVersionPath(data: string, version: string | null): string {
  return join(data, version === null ? FIRST : `${LATER}${version}`)
}

/** Removes all versions but one. None of them may be open. @throws MillraceError STORE_FAILED */
export async function removeOtherVersions(data: string, active: string | null): Promise<string[]> {
  try {
    const kept = storeVersionPath(data, active)
    const others = (await readdir(data))
      .filter((name) => name === FIRST || name.startsWith(LATER))
      .filter((name) => join(data, name) !== kept)
    for (const name of others) await rm(join(data, name), { recursive: true, force: true })
    return others
  } catch (error) {
    throw storeError(error)
  }
}

/**
 * Removes what a version holds if a stop of the machine may have torn it; the store sink then makes it anew. True when it was.
 * Before anybody opens it. @throws MillraceError STORE_FAILED
 */
export async function removeTornVersion(path: string): Promise<boolean> {
  try {
    if (!(await isBroken(path))) return false
    await removeBroken(path)
    return true
  } catch (error) {
    throw storeError(error)
  }
}
