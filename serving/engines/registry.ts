// Which engine answers a request, with which version. Query halves are kept until their engine changes in the directory,
// so that a query parses no engine.json.
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { DirectoryState, Engine } from '#schemas/directory'
import { UNIVERSAL } from '#schemas/engines/universal'
import type { QueryHalf, QueryHalfDeps, QueryHalfFactory } from './query-half.ts'
import { createUniversalQueryHalf } from './universal/query-half.ts'

const FACTORIES: ReadonlyMap<string, QueryHalfFactory> = new Map([
  [UNIVERSAL, createUniversalQueryHalf],
])

export interface ServedEngine {
  readonly engineId: string
  readonly versionId: string
  readonly half: QueryHalf
}

export interface EngineRegistry {
  /**
   * The engine of this id, or the default one for null.
   * @param app the only app whose engines may answer, or null for any
   * @throws MillraceError ENGINE_NOT_FOUND, ENGINE_NOT_TRAINED
   */
  resolve(engineId: string | null, app: number | null): ServedEngine
}

export function createEngineRegistry(directory: Directory, deps: QueryHalfDeps): EngineRegistry {
  const served = new Map<Engine, ServedEngine>()
  let state = directory.state

  return {
    resolve(engineId, app) {
      if (directory.state !== state) {
        state = directory.state
        const kept = new Set(state.engines.values())
        for (const engine of served.keys()) if (!kept.has(engine)) served.delete(engine)
      }
      const engine = engineId === null ? defaultEngine(state, app) : state.engines.get(engineId)
      if (engine === undefined || (app !== null && engine.appId !== app)) {
        throw new MillraceError('ENGINE_NOT_FOUND', { engine: engineId ?? 'to answer by default' })
      }
      const known = served.get(engine)
      if (known !== undefined) return known
      const made = serve(engine, deps)
      served.set(engine, made)
      return made
    },
  }
}

function serve(engine: Engine, deps: QueryHalfDeps): ServedEngine {
  const version = engine.versions.find(({ id }) => id === engine.activeVersion)
  if (version === undefined) throw new MillraceError('ENGINE_NOT_TRAINED', { engine: engine.id })
  const factory = FACTORIES.get(engine.factory)
  if (factory === undefined) {
    throw new MillraceError('INTERNAL', { reason: `no engine is called ${engine.factory}` })
  }
  return {
    engineId: engine.id,
    versionId: version.id,
    half: factory(engine, version, deps),
  }
}

/** The chosen default, or the engine that was registered first; of the one app where only that may answer. */
function defaultEngine(state: DirectoryState, app: number | null): Engine | undefined {
  const chosen = state.defaultEngine === null ? undefined : state.engines.get(state.defaultEngine)
  if (chosen !== undefined && (app === null || chosen.appId === app)) return chosen
  for (const engine of state.engines.values()) {
    if (app === null || engine.appId === app) return engine
  }
  return undefined
}
