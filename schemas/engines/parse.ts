// engine.json in PredictionIO's shape: which engine it asks for, under which id, for which app. Old files work as they
// stand; what has no meaning here (sparkConf) may stand in them, what is unknown is refused.
import type { JsonObject } from '../json.ts'
import { nearestName } from '../nearest-name.ts'
import { EngineJsonError } from './engine-json-error.ts'
import { isHarnessJson, translated } from './harness-json.ts'
import { Parameters } from './parameters.ts'
import { UNIVERSAL, UNIVERSAL_ALIASES } from './universal.ts'
import { parseUniversal } from './universal-parse.ts'

export interface ParsedEngine {
  /** As written, or `<app name>-universal` when it was missing or `default`. */
  readonly id: string
  readonly description: string | null
  /** Name of the engine's factory: `universal`. */
  readonly factory: string
  readonly appName: string
  /** The whole file, as it is registered: Harness' own configuration in PredictionIO's shape. */
  readonly variant: JsonObject
}

/** PredictionIO's name for "no id". */
const NO_ID = 'default'
const ID = /^[a-z0-9-]{1,64}$/

const TOP_LEVEL = [
  'id',
  'version',
  'description',
  'engineFactory',
  'datasource',
  'preparator',
  'algorithms',
  'serving',
  'sparkConf',
] as const

const FOREIGN = {
  engineId: 'Write "id" instead.',
  algorithm: 'Write "algorithms": [{ "name": "ur", "params": { … } }] instead.',
  dataset: 'Remove it: retention is set for the installation, not for an engine.',
  mirrorType: 'Remove it: the archive keeps every event.',
  mirrorContainer: 'Remove it: the archive keeps every event.',
  sharedDBName: 'Remove it: an engine reads the events of its app.',
  modelContainer: 'Remove it: models lie in the data folder.',
}

/**
 * Reads an engine.json (already parsed as JSON) and checks every parameter in it.
 * @param file how its user named the file, for messages
 * @throws EngineJsonError (ENGINE_JSON_INVALID at the edges)
 */
export function parseEngineJson(json: unknown, file: string): ParsedEngine {
  if (isHarnessJson(json)) {
    return translated(json, file, (variant) => parseEngineJson(variant, file))
  }
  const top = new Parameters(file, '', json, { names: TOP_LEVEL, foreign: FOREIGN })
  const factory = factoryOf(top)
  const variant = json as JsonObject
  const { appName } = parseUniversal(variant, file)
  return {
    id: idOf(top, appName, factory),
    description: top.string('description'),
    factory,
    appName,
    variant,
  }
}

function factoryOf(top: Parameters): string {
  const name = top.string('engineFactory')
  if (name === null) {
    const mend = `Write "engineFactory": "${UNIVERSAL}"`
    top.refuse('engineFactory', 'the name of the engine is missing', mend)
  }
  if (UNIVERSAL_ALIASES.some((alias) => alias === name)) return UNIVERSAL
  const near = nearestName(name, UNIVERSAL_ALIASES) ?? UNIVERSAL
  top.refuse('engineFactory', `there is no engine "${name}"`, `Did you mean "${near}"?`)
}

function idOf(top: Parameters, appName: string, factory: string): string {
  const id = top.string('id')
  if (id === null || id === NO_ID) return defaultEngineId(appName, factory)
  if (!ID.test(id)) {
    const reason = `"${id}" is no engine id: 1 to 64 of a-z, 0-9 and -`
    top.refuse('id', reason, `Write "${normalised(id)}", or leave it out.`)
  }
  return id
}

/**
 * An engine id given on the command line in place of the file's.
 * @throws EngineJsonError when it is none
 */
export function checkEngineId(id: string, file: string): string {
  if (ID.test(id)) return id
  const reason = `"${id}" is no engine id: 1 to 64 of a-z, 0-9 and -`
  const mend = `Use ${normalised(id)} instead.`
  throw new EngineJsonError({ file, path: 'id', reason, mend })
}

/** The id of an app's engine that was given none: `<app name>-<engine>`, lower case, all else a hyphen. */
export function defaultEngineId(appName: string, factory: string): string {
  return normalised(`${normalised(appName).slice(0, 63 - factory.length)}-${factory}`)
}

/** Any text as an engine id: lower case, all else a hyphen, at most 64 characters. */
export function normalised(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 64)
}
