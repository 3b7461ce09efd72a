// Engines: registering an engine.json, looking at engines, the default one.
import { MillraceError } from '#ports/errors'
import type { DirectoryState, Engine } from '#schemas/directory'
import { EngineJsonError } from '#schemas/engines/engine-json-error'
import {
  checkEngineId,
  defaultEngineId,
  type ParsedEngine,
  parseEngineJson,
} from '#schemas/engines/parse'
import type { Json, JsonObject } from '#schemas/json'
import type { Platform } from '../platform.ts'
import { optionalText, text } from './arguments.ts'
import { appNamed, change, engineNamed } from './change.ts'
import { shownSchedule } from './schedule.ts'

/**
 * Registers the engine of an engine.json (args: `variant` its content, `file` its name, `engineId` to override the id), or
 * a new revision of it when it changed. Returns the engine's id.
 */
export async function register({ directory }: Platform, args: JsonObject): Promise<string> {
  const file = text(args, 'file')
  const parsed = parsedEngine(args.variant ?? null, file)
  const id = engineIdOf(parsed, optionalText(args, 'engineId'), file)
  const app = appNamed(directory.state, parsed.appName)
  const known = directory.state.engines.get(id)
  if (known !== undefined && known.appId !== app.id) {
    const owner = directory.state.apps.get(known.appId)?.name ?? String(known.appId)
    throw new MillraceError('ENGINE_ID_TAKEN', { engine: id, app: owner })
  }
  if (known !== undefined && JSON.stringify(known.variant) === JSON.stringify(parsed.variant))
    return id
  const { factory, variant } = parsed
  await change(directory, (state) => ({
    expects: { [`engine:${id}`]: state.engines.get(id)?.revision ?? 0 },
    changes: [{ type: 'engine-registered', engineId: id, appId: app.id, factory, variant }],
  }))
  return id
}

function parsedEngine(variant: Json, file: string): ParsedEngine {
  try {
    return parseEngineJson(variant, file)
  } catch (error) {
    throw asCatalogued(error)
  }
}

function engineIdOf(parsed: ParsedEngine, wanted: string | null, file: string): string {
  if (wanted === null) return parsed.id
  if (wanted === 'default') return defaultEngineId(parsed.appName, parsed.factory)
  try {
    return checkEngineId(wanted, file)
  } catch (error) {
    throw asCatalogued(error)
  }
}

function asCatalogued(error: unknown): unknown {
  if (!(error instanceof EngineJsonError)) return error
  const { file, path, reason, mend } = error.details
  return new MillraceError('ENGINE_JSON_INVALID', { file, path, reason, mend }, { cause: error })
}

export async function engineAdd(platform: Platform, args: JsonObject): Promise<Json> {
  const id = await register(platform, args)
  return shown(platform, engineNamed(platform.directory.state, id))
}

export async function engineList(platform: Platform): Promise<Json> {
  const engines = [...platform.directory.state.engines.values()]
  return Promise.all(engines.map((engine) => shown(platform, engine)))
}

export async function engineShow(platform: Platform, args: JsonObject): Promise<Json> {
  const engine = engineNamed(platform.directory.state, text(args, 'id'))
  return { ...(await shown(platform, engine)), variant: engine.variant }
}

export async function engineDefault({ directory }: Platform, args: JsonObject): Promise<Json> {
  const id = text(args, 'id')
  await change(directory, (state) => ({
    expects: { [`engine:${id}`]: engineNamed(state, id).revision },
    changes: [{ type: 'default-engine-set', engineId: id }],
  }))
  return { id }
}

export async function engineRemove(platform: Platform, args: JsonObject): Promise<Json> {
  const { directory, index, models } = platform
  const { id, versions } = engineNamed(directory.state, text(args, 'id'))
  await change(directory, (state) => ({
    expects: { [`engine:${id}`]: engineNamed(state, id).revision },
    changes: [{ type: 'engine-removed', engineId: id }],
  }))
  for (const version of versions) {
    await index.retire(id, version.id)
    await models.remove(id, version.id)
  }
  return { id }
}

async function shown(platform: Platform, engine: Engine): Promise<JsonObject> {
  const { directory } = platform
  return {
    id: engine.id,
    app: directory.state.apps.get(engine.appId)?.name ?? null,
    factory: engine.factory,
    isDefault: defaultEngine(directory.state) === engine.id,
    activeVersion: engine.activeVersion,
    ...(await shownSchedule(platform, engine)),
  }
}

/** The engine that answers /queries.json: the one set, else the first registered. */
export function defaultEngine(state: DirectoryState): string | null {
  if (state.defaultEngine !== null) return state.defaultEngine
  for (const id of state.engines.keys()) return id
  return null
}
