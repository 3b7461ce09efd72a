// Harness' own configuration of an engine → the same in PredictionIO's shape. It names the engine by `engineId`, has one
// `algorithm`, and other words for some parameters. An engine of Harness has data of its own: the app is named as the
// engine is, or as the database that it shares.
import type { Json, JsonObject } from '../json.ts'
import { EngineJsonError } from './engine-json-error.ts'
import { Parameters } from './parameters.ts'

const TOP_LEVEL = [
  'engineId',
  'engineFactory',
  'description',
  'mirrorType',
  'mirrorContainer',
  'sharedDBName',
  'modelContainer',
  'sparkConf',
  'dataset',
  'algorithm',
] as const

/** Our names of parameters that have another one in Harness. */
const ALGORITHM_NAMES = { rules: 'fields', blacklistIndicators: 'blacklistEvents' } as const
const INDICATOR_NAMES = { maxIndicatorsPerQuery: 'maxItemsPerUser' } as const
const RANKING_NAMES = { indicatorNames: 'eventNames' } as const

const SAME_NAMES = [
  'indicators',
  'num',
  'userBias',
  'itemBias',
  'itemSetBias',
  'rankings',
  'seed',
  'dateName',
  'availableDateName',
  'expireDateName',
  'numESWriteConnections',
  'indexName',
  'typeName',
  'scoring',
  'weights',
  'compatibility',
] as const

/** Harness reads these and does nothing with them. */
const WITHOUT_EFFECT = [
  'appName',
  'returnSelf',
  'maxQueryEvents',
  'maxEventsPerEventType',
  'maxCorrelatorsPerEventType',
] as const

const FOREIGN = {
  fields: 'Harness calls them "rules".',
  blacklistEvents: 'Harness calls them "blacklistIndicators".',
  eventNames: 'Harness has "indicators": [{ "name": "…" }, …].',
  minEventsPerUser: 'Harness has no such limit.',
}

/** True for a configuration that Harness would read. */
export function isHarnessJson(json: unknown): json is JsonObject {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false
  return 'engineId' in json && 'algorithm' in json && !('algorithms' in json)
}

/**
 * Reads the translation of a configuration; faults are named where they stand in the original.
 * @throws EngineJsonError
 */
export function translated<T>(json: JsonObject, file: string, read: (json: JsonObject) => T): T {
  const translation = translate(json, file)
  try {
    return read(translation)
  } catch (error) {
    if (!(error instanceof EngineJsonError)) throw error
    throw new EngineJsonError({ ...error.details, path: originalPath(error.details.path) })
  }
}

function translate(json: JsonObject, file: string): JsonObject {
  refuseEnvironment(json, file)
  const top: Parameters = new Parameters(file, '', json, { names: TOP_LEVEL })
  const engineId = top.string('engineId')
  if (engineId === null) top.refuse('engineId', 'the id is missing', 'Write "engineId": "…"')
  for (const name of ['mirrorType', 'mirrorContainer', 'modelContainer']) top.string(name)
  return {
    id: engineId.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-'),
    engineFactory: top.string('engineFactory'),
    description: top.string('description'),
    datasource: {
      params: { appName: top.string('sharedDBName') ?? engineId, ...windowOf(top, file) },
    },
    algorithms: [{ name: 'ur', params: algorithmOf(top, file) }],
  }
}

/** Events that Harness would have erased by their age do not count. */
function windowOf(top: Parameters, file: string): JsonObject {
  if (!top.has('dataset')) return {}
  const dataset = new Parameters(file, 'dataset', top.value('dataset'), { names: ['ttl'] })
  const ttl = dataset.string('ttl')
  return ttl === null ? {} : { eventWindow: { duration: ttl } }
}

function algorithmOf(top: Parameters, file: string): JsonObject {
  const value = top.value('algorithm')
  const renamed = Object.keys(ALGORITHM_NAMES)
  const names = [...SAME_NAMES, ...renamed, ...WITHOUT_EFFECT, 'recsModel']
  const one = new Parameters(file, 'algorithm', value, { names, foreign: FOREIGN })
  // Harness trains everything, whatever stands here, and fails on a backfill alone.
  one.oneOf('recsModel', ['all', 'collabFiltering'])
  const params: Record<string, Json> = { compatibility: 'harness-0.6' }
  for (const name of [...SAME_NAMES, ...renamed]) {
    const its = one.value(name)
    if (its !== undefined) params[ourName(name, ALGORITHM_NAMES)] = its
  }
  if (Array.isArray(params.indicators)) {
    params.indicators = params.indicators.map((each) => withOurNames(each, INDICATOR_NAMES))
  }
  if (Array.isArray(params.rankings)) {
    params.rankings = params.rankings.map((each) => withOurNames(each, RANKING_NAMES))
  }
  return params
}

function ourName(name: string, names: Readonly<Record<string, string>>): string {
  return Object.hasOwn(names, name) ? (names[name] as string) : name
}

function withOurNames(value: Json, names: Readonly<Record<string, string>>): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [ourName(name, names), member]),
  )
}

/** `algorithms[0].params.fields[1].bias` stands at `algorithm.rules[1].bias`. */
function originalPath(path: string): string {
  let original = path
    .replace(/^algorithms\[0\]\.params/, 'algorithm')
    .replace(/^datasource\.params\.eventWindow\.duration/, 'dataset.ttl')
    .replace(/^datasource\.params\.appName/, 'sharedDBName')
    .replace(/^id\b/, 'engineId')
  const all = { ...ALGORITHM_NAMES, ...INDICATOR_NAMES, ...RANKING_NAMES }
  for (const [harness, ours] of Object.entries(all)) {
    original = original.replace(new RegExp(`\\.${ours}\\b`), `.${harness}`)
  }
  return original
}

const ENVIRONMENT = 'system.env.'

/** Harness put environment variables in place of such texts. Here the file is what is registered. */
function refuseEnvironment(value: Json, file: string, path = ''): void {
  if (typeof value === 'string' && value.startsWith(ENVIRONMENT)) {
    const reason = `"${value}" names an environment variable`
    throw new EngineJsonError({ file, path, reason, mend: 'Write its value instead.' })
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue
    const inside = Array.isArray(value)
      ? `${path}[${name}]`
      : [path, name].filter(Boolean).join('.')
    refuseEnvironment(member, file, inside)
  }
}
