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
      for (const name of primaryEventsOf(engine.factory, variant)) known.add(name)
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

/** None for an engine without items, and for parameters that this version of Millrace does not read. */
function primaryEventsOf(factory: string, variant: JsonObject): readonly string[] {
  if (factory !== UNIVERSAL) return []
  try {
    return parseUniversal(variant, 'engine.json').indicators[0].events
  } catch {
    return []
  }
}
