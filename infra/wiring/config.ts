// The configuration: defaults < millrace.toml < environment (MILLRACE_*) < flags. Each port has one URL. An unknown key is an
// error that names the nearest known one.
import { readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { parse } from 'smol-toml'
import { MillraceError } from '#ports/errors'
import { nearestName } from '#schemas/nearest-name'
import { RETENTION_DAYS } from './log-retention.ts'
import { EMBEDDED_PORTS, type PortName, type PortUrls, SCHEMES, schemeOf } from './port-urls.ts'

export interface Config {
  /** Absolute path of the data folder. */
  readonly data: string
  /** Begins the name of every topic, table, index and queue on a server. */
  readonly prefix: string
  readonly ports: PortUrls
  readonly ip: string
  readonly eventPort: number
  readonly queryPort: number
  readonly consolePort: number
  /** Queries from other machines need no key. */
  readonly servingOpen: boolean
  /** The query server answers Harness' calls too. */
  readonly servingHarness: boolean
  /** The event server counts for `/stats.json`. */
  readonly ingestStats: boolean
  /** Events a second that an access key may send; 0: no limit. */
  readonly eventsPerSecond: number
  /** Days for which the log keeps what all sinks have; 0: for ever. */
  readonly retentionDays: number
  /** URL of what trains an engine, by the engine's id, where it is not the port's. */
  readonly engineBatches: ReadonlyMap<string, string>
}

interface Setting {
  /** Dotted name in the file; the environment's is MILLRACE_ and this in upper case with `_`. */
  readonly key: string
  readonly kind: 'text' | 'port' | 'flag' | 'count'
  readonly fallback: string | number | boolean
  /** For the reference: what it decides. */
  readonly help: string
}

const PORTS = Object.keys(SCHEMES) as PortName[]

const PORT_HELP: Readonly<Record<PortName, string>> = {
  log: 'URL of the log',
  store: 'URL of the event store',
  index: 'URL of the item index',
  files: 'URL of archive and models',
  queue: 'URL of the job queue',
  batch: 'URL of what trains',
}

export const SETTINGS: readonly Setting[] = [
  { key: 'data', kind: 'text', fallback: './data', help: 'the data folder' },
  {
    key: 'prefix',
    kind: 'text',
    fallback: 'millrace',
    help: 'begins the name of every topic, table, index and queue on a server',
  },
  ...PORTS.map((key) => ({
    key,
    kind: 'text' as const,
    fallback: EMBEDDED_PORTS[key],
    help: PORT_HELP[key],
  })),
  { key: 'ip', kind: 'text', fallback: '127.0.0.1', help: 'the address to listen on' },
  { key: 'event-port', kind: 'port', fallback: 7070, help: 'the event server; 0 is any free one' },
  { key: 'query-port', kind: 'port', fallback: 8000, help: 'the query server; 0 is any free one' },
  { key: 'console-port', kind: 'port', fallback: 9000, help: 'the console; 0 is any free one' },
  {
    key: 'serving.open',
    kind: 'flag',
    fallback: false,
    help: 'queries from other machines need no access key',
  },
  {
    key: 'serving.harness',
    kind: 'flag',
    fallback: false,
    help: "the query server answers Harness' calls too (harness.md)",
  },
  {
    key: 'ingest.stats',
    kind: 'flag',
    fallback: false,
    help: 'the event server counts for GET /stats.json',
  },
  {
    key: 'admission.events-per-second',
    kind: 'count',
    fallback: 0,
    help: 'events that an access key may send in a second; 0 is no limit',
  },
  {
    key: 'retention-days',
    kind: 'count',
    fallback: RETENTION_DAYS,
    help: 'days for which the log keeps what the archive has; 0 is for ever',
  },
]

type Values = Map<string, string | number | boolean>

export interface ConfigSources {
  /** Path of a millrace.toml, or null. */
  readonly file: string | null
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Flags by setting key; undefined where not given. */
  readonly flags: Readonly<Record<string, string | undefined>>
}

/**
 * The configuration of this process.
 * @throws MillraceError CONFIG_INVALID, CONFIG_UNSUPPORTED, FILE_NOT_FOUND
 */
export function loadConfig(sources: ConfigSources): Config {
  const values: Values = new Map(SETTINGS.map((s) => [s.key, s.fallback]))
  const engineBatches = new Map<string, string>()
  if (sources.file !== null) readFile(sources.file, values, engineBatches)
  readEnvironment(sources.environment, values)
  for (const [key, text] of Object.entries(sources.flags)) {
    if (text !== undefined) values.set(key, fromText(setting(key, `--${key}`), text, `--${key}`))
  }
  const data = String(values.get('data'))
  return {
    data: isAbsolute(data) ? data : resolve(data),
    prefix: prefixOf(values),
    ports: portUrls(values),
    ip: String(values.get('ip')),
    eventPort: Number(values.get('event-port')),
    queryPort: Number(values.get('query-port')),
    consolePort: Number(values.get('console-port')),
    servingOpen: values.get('serving.open') === true,
    servingHarness: values.get('serving.harness') === true,
    ingestStats: values.get('ingest.stats') === true,
    eventsPerSecond: Number(values.get('admission.events-per-second')),
    retentionDays: Number(values.get('retention-days')),
    engineBatches,
  }
}

function portUrls(values: Values): PortUrls {
  const urls = PORTS.map((port) => [port, urlOf(port, String(values.get(port)), port)])
  return Object.fromEntries(urls) as PortUrls
}

function urlOf(port: PortName, value: string, where: string): string {
  if (schemeOf(port, value) !== null) return value
  const supported = SCHEMES[port].map((scheme) => `"${scheme}"`).join(', ')
  throw new MillraceError('CONFIG_UNSUPPORTED', { where, value, supported })
}

const ENGINE_SETTING = /^engines\.([a-z0-9-]{1,64})\.batch$/

/** `[engines.<id>] batch = "…"`: false for any other key. */
function readEngineBatch(
  key: string,
  value: unknown,
  where: string,
  engineBatches: Map<string, string>,
): boolean {
  const [, engine] = ENGINE_SETTING.exec(key) ?? []
  if (engine === undefined) return false
  engineBatches.set(engine, urlOf('batch', String(value), where))
  return true
}

/** Topics, tables, indexes and queues all allow these characters. */
const PREFIX = /^[a-z][a-z0-9-]{0,31}$/

function prefixOf(values: Values): string {
  const prefix = String(values.get('prefix'))
  if (PREFIX.test(prefix)) return prefix
  throw new MillraceError('CONFIG_INVALID', {
    where: 'prefix',
    reason: `"${prefix}" cannot begin names on every server`,
    mend: 'Write 1 to 32 lower case letters, digits and hyphens, the first a letter.',
  })
}

function setting(key: string, where: string): Setting {
  const found = SETTINGS.find((s) => s.key === key)
  if (found) return found
  const names = [...SETTINGS.map((s) => s.key), 'engines.<id>.batch']
  const near = nearestName(key, names)
  throw new MillraceError('CONFIG_INVALID', {
    where,
    reason: `there is no setting "${key}"`,
    mend: near === null ? `The settings are: ${names.join(', ')}.` : `Did you mean "${near}"?`,
  })
}

function readFile(file: string, values: Values, engineBatches: Map<string, string>): void {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new MillraceError('FILE_NOT_FOUND', { file })
  }
  let table: Record<string, unknown>
  try {
    table = parse(text)
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0] ?? 'not TOML'
    throw new MillraceError('CONFIG_INVALID', { where: file, reason, mend: 'Write valid TOML.' })
  }
  for (const [key, value] of flattened(table)) {
    const where = `${file}: ${key}`
    if (readEngineBatch(key, value, where, engineBatches)) continue
    const known = setting(key, where)
    const wanted = { text: 'string', port: 'number', flag: 'boolean', count: 'number' }[known.kind]
    if (typeof value !== wanted) {
      const mend = `Write a ${wanted}.`
      throw new MillraceError('CONFIG_INVALID', { where, reason: 'the type is wrong', mend })
    }
    values.set(key, fromText(known, String(value), where))
  }
}

function* flattened(table: Record<string, unknown>, prefix = ''): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(table)) {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      yield* flattened(value as Record<string, unknown>, `${prefix}${key}.`)
    } else yield [prefix + key, value]
  }
}

/** Variables beside the settings that other parts of Millrace read. */
const OTHER_VARIABLES = ['MILLRACE_LOG_LEVEL']

function readEnvironment(environment: ConfigSources['environment'], values: Values): void {
  const names = new Map(
    SETTINGS.map((s) => [`MILLRACE_${s.key.toUpperCase().replace(/[.-]/g, '_')}`, s]),
  )
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('MILLRACE_') || text === undefined) continue
    if (OTHER_VARIABLES.includes(name)) continue
    const known = names.get(name)
    if (known === undefined) {
      const near = nearestName(name, [...names.keys()])
      throw new MillraceError('CONFIG_INVALID', {
        where: `environment ${name}`,
        reason: 'there is no such setting',
        mend: near === null ? 'Unset it.' : `Did you mean ${near}?`,
      })
    }
    values.set(known.key, fromText(known, text, `environment ${name}`))
  }
}

function fromText(known: Setting, text: string, where: string): string | number | boolean {
  if (known.kind === 'text' && text !== '') return text
  if (known.kind === 'port' && /^\d{1,5}$/.test(text) && Number(text) < 65536) return Number(text)
  if (known.kind === 'count' && /^\d{1,9}$/.test(text)) return Number(text)
  if (known.kind === 'flag' && (text === 'true' || text === 'false')) return text === 'true'
  const shape = {
    text: 'some text',
    port: 'a port from 0 to 65535',
    flag: 'true or false',
    count: 'a whole number from 0 on',
  }
  throw new MillraceError('CONFIG_INVALID', {
    where,
    reason: `"${text}" is not ${shape[known.kind]}`,
    mend: `Write ${shape[known.kind]}.`,
  })
}
