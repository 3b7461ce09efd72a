// The log's URL: kafka://[user:password@]host[:port][,host[:port]…][?partitions=12&replication=3&tls=true&mechanism=…&registry=…]
import { MillraceError } from '#ports/errors'

export const SASL_MECHANISMS = ['scram-sha-512', 'scram-sha-256', 'plain'] as const
export type SaslMechanism = (typeof SASL_MECHANISMS)[number]

export interface KafkaConfig {
  /** `host:port` of the brokers that are asked first. */
  readonly brokers: readonly string[]
  readonly tls: boolean
  readonly sasl: {
    readonly mechanism: SaslMechanism
    readonly username: string
    readonly password: string
  } | null
  /** Partitions of the event log when it is made; one that exists keeps its own number. */
  readonly partitions: number
  /** Replicas of a topic when it is made; null leaves it to the brokers. */
  readonly replication: number | null
  /** Base URL of an outside schema registry; null for Millrace's own. */
  readonly registry: string | null
}

const SCHEME = 'kafka://'
const PORT = 9092
export const PARTITIONS = 12
const PARTITIONS_MAX = 1000

/** @throws MillraceError CONFIG_INVALID */
export function readKafkaUrl(url: string): KafkaConfig {
  const [address = '', query = ''] = url.slice(SCHEME.length).split('?', 2)
  const at = address.lastIndexOf('@')
  const hosts = address.slice(at + 1).replace(/\/$/, '')
  const brokers = hosts.split(',').map(brokerOf)
  const parameters = new Map(new URLSearchParams(query))
  const take = (name: string): string | null => {
    const value = parameters.get(name) ?? null
    parameters.delete(name)
    return value
  }
  const config: KafkaConfig = {
    brokers,
    tls: flagOf('tls', take('tls')),
    sasl: saslOf(at < 0 ? null : address.slice(0, at), take('mechanism')),
    partitions: countOf('partitions', take('partitions'), PARTITIONS_MAX) ?? PARTITIONS,
    replication: countOf('replication', take('replication'), 100),
    registry: addressOf('registry', take('registry')),
  }
  const [unknown] = parameters.keys()
  if (unknown === undefined) return config
  throw invalid(
    `there is no parameter "${unknown}"`,
    'The parameters are partitions, replication, registry, tls and mechanism.',
  )
}

const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/

function brokerOf(text: string): string {
  const match = HOST.exec(text)
  if (match !== null) return `${match[1]}:${match[2] ?? PORT}`
  throw invalid(`"${text}" is no address of a broker`, 'Write kafka://host:port,host:port')
}

function saslOf(credentials: string | null, mechanism: string | null): KafkaConfig['sasl'] {
  if (credentials === null) {
    if (mechanism === null) return null
    throw invalid('a mechanism is named but no user', 'Write kafka://user:password@host:port')
  }
  const colon = credentials.indexOf(':')
  const known = SASL_MECHANISMS.find((name) => name === (mechanism ?? 'scram-sha-512'))
  if (colon < 0) throw invalid('the user has no password', 'Write kafka://user:password@host:port')
  if (known === undefined) {
    throw invalid(`there is no mechanism "${mechanism}"`, `Use ${SASL_MECHANISMS.join(', ')}.`)
  }
  return {
    mechanism: known,
    username: decoded(credentials.slice(0, colon)),
    password: decoded(credentials.slice(colon + 1)),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('user or password cannot be read', 'Percent-encode them; % itself is %25.')
  }
}

function flagOf(name: string, text: string | null): boolean {
  if (text === null || text === 'false') return false
  if (text === 'true') return true
  throw invalid(`${name} is "${text}"`, 'Write true or false.')
}

function countOf(name: string, text: string | null, max: number): number | null {
  if (text === null) return null
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= max) return count
  throw invalid(`${name} is "${text}"`, `Write a number from 1 to ${max}.`)
}

function addressOf(name: string, text: string | null): string | null {
  if (text === null || /^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text
  throw invalid(`${name} is "${text}"`, 'Write an http or https address, percent-encoded.')
}

function invalid(reason: string, mend: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', { where: 'log', reason, mend })
}
