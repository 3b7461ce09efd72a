// Whose targets are items: the primary events of an app's engines, of the parameters registered now and of versions that
// answer or may answer again.
import type { DirectoryState, Engine } from '#schemas/directory'
import { UNIVERSAL } from '#schemas/engines/universal'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'

/** Names of primary events by app. */
export function primaryEvents(state: DirectoryState): Map<number, Set<string>> {
  const events = new Map<number, Set<string>>()
  for (const engine of state.engines.values()) {
    const known = events.get(engine.appId) ?? new Set<string>()
    events.set(engine.appId, known)
    for (const variant of variantsOf(engine)) {
      const name = primaryEvent(engine.factory, variant)
      if (name !== null) known.add(name)
    }
  }
  return events
}

function variantsOf(engine: Engine): JsonObject[] {
  const living = engine.versions.filter(
    ({ status }) => status !== 'failed' && status !== 'cancelled',
  )
  return [engine.variant, ...living.map(({ variant }) => variant)]
}

/** null for an engine without items, and for parameters that this version of Millrace does not read. */
function primaryEvent(factory: string, variant: JsonObject): string | null {
  if (factory !== UNIVERSAL) return null
  try {
    return parseUniversal(variant, 'engine.json').indicators[0].name
  } catch {
    return null
  }
}
