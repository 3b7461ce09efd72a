// What a process does at its start, so that the active and the previous version of every engine are in the index: loads those
// that are not, from files, and tries again what did not work for a reason that passes.
import type { Clock } from '#ports/clock'
import { asMillraceError, type MillraceError } from '#ports/errors'
import type { Closable } from '#ports/lifecycle'
import type { Engine, ModelVersion } from '#schemas/directory'
import { isLoaded, type PublishDeps, publishVersion } from './publish.ts'
import { versionOf } from './version-records.ts'

/** Time before a version is tried again; it doubles with each attempt. */
export const RESTORE_AGAIN_MS = 1_000
const RESTORE_LONGEST_MS = 60_000

export type RestoreDeps = Pick<PublishDeps, 'directory' | 'models' | 'index' | 'telemetry'>

export interface NotRestored {
  readonly engineId: string
  readonly versionId: string
  readonly error: MillraceError
}

/** One that cannot be loaded does not keep the others from answering: it is logged and returned. */
export async function restoreVersions(deps: RestoreDeps): Promise<readonly NotRestored[]> {
  const failures: NotRestored[] = []
  for (const engine of deps.directory.state.engines.values()) {
    for (const version of engine.versions) {
      const error = await restore(deps, engine, version)
      if (error !== null) failures.push({ engineId: engine.id, versionId: version.id, error })
    }
  }
  return failures
}

/** Resolves when everything was tried once; what passes is tried again behind it, until it works or is not wanted any more. */
export async function keepRestoring(
  deps: RestoreDeps & { readonly clock: Clock },
): Promise<Closable> {
  const closing = new AbortController()
  const { signal } = closing
  await retireUnknown(deps)
  let left = passing(await restoreVersions(deps))
  const goOn = async (): Promise<void> => {
    for (
      let wait = RESTORE_AGAIN_MS;
      left.length > 0;
      wait = Math.min(2 * wait, RESTORE_LONGEST_MS)
    ) {
      await deps.clock.sleep(wait, signal)
      if (signal.aborted) return
      left = passing(await restoreVersions(deps))
    }
  }
  const going = goOn()
  return {
    close: async () => {
      closing.abort()
      await going
    },
  }
}

/** Drops what the directory does not know any more: an app was deleted while the index was away. */
async function retireUnknown({ directory, index, telemetry }: RestoreDeps): Promise<void> {
  const indexed = index.versions()
  // What was opened before it was looked at is known now.
  await directory.catchUp()
  for (const { engineId, versionId } of indexed) {
    if (versionOf(directory.state.engines.get(engineId), versionId) !== undefined) continue
    try {
      await index.retire(engineId, versionId)
    } catch (thrown) {
      const { code, message } = asMillraceError(thrown)
      telemetry.log('warn', 'version-not-retired', { engineId, versionId, code, message })
    }
  }
}

const passing = (failures: readonly NotRestored[]): readonly NotRestored[] =>
  failures.filter(({ error }) => error.retryable)

/** Null when it is in the index, or need not be. */
async function restore(
  deps: RestoreDeps,
  engine: Engine,
  version: ModelVersion,
): Promise<MillraceError | null> {
  if (version.status !== 'active' && version.status !== 'previous') return null
  // An index on a server outlives the process.
  if (isLoaded(deps.index, engine.id, version.id)) return null
  try {
    await publishVersion(deps, engine, version, { old: true })
    return null
  } catch (thrown) {
    const error = asMillraceError(thrown)
    const { code, message } = error
    const named = { engineId: engine.id, versionId: version.id }
    deps.telemetry.log('error', 'version-not-restored', { ...named, code, message })
    return error
  }
}
