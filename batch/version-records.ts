// Control records about model versions, written against the engine as it is and again when somebody was faster.
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { ControlChange, DirectoryState, Engine, ModelVersion } from '#schemas/directory'

const ATTEMPTS = 5

/** @throws MillraceError ENGINE_NOT_FOUND */
export function engineOf(state: DirectoryState, engineId: string): Engine {
  const engine = state.engines.get(engineId)
  if (engine === undefined) throw new MillraceError('ENGINE_NOT_FOUND', { engine: engineId })
  return engine
}

export function versionOf(engine: Engine | undefined, versionId: string): ModelVersion | undefined {
  return engine?.versions.find(({ id }) => id === versionId)
}

/**
 * Writes one change about an engine, expecting the revision that is there now.
 * @throws MillraceError ENGINE_NOT_FOUND, CONFLICT (with the rule that forbids it, where there is one)
 */
export async function writeChange(
  directory: Directory,
  engineId: string,
  change: ControlChange,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { revision } = engineOf(directory.state, engineId)
    const verdict = await directory.write({
      expects: { [`engine:${engineId}`]: revision },
      changes: [change],
    })
    if (verdict.accepted) return
    if ('rule' in verdict) throw new MillraceError('CONFLICT', { object: verdict.rule })
    await directory.catchUp()
  }
  throw new MillraceError('CONFLICT', { object: `the engine ${engineId}` })
}
