// What kafkajs says, as errors of the catalogue.
import { MillraceError } from '#ports/errors'
import type { KafkaConfig } from './config.ts'

/** The members that errors of kafkajs carry, wrapped in one another. */
interface KafkaFailure {
  readonly name?: string
  readonly type?: string
  readonly cause?: unknown
  readonly originalError?: unknown
  readonly partition?: number
}

const CAUSES_MAX = 5

/** The error and what it wraps, outermost first. */
function chain(error: unknown): KafkaFailure[] {
  const found: KafkaFailure[] = []
  let next = error
  while (found.length < CAUSES_MAX && typeof next === 'object' && next !== null) {
    const failure = next as KafkaFailure
    found.push(failure)
    next = failure.cause ?? failure.originalError
  }
  return found
}

const hasType = (error: unknown, types: ReadonlySet<string>): boolean =>
  chain(error).some(({ type }) => type !== undefined && types.has(type))

/** The broker no longer takes this producer's sequence: only a new producer can go on. */
const PRODUCER_SPENT = new Set([
  ...['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH'],
  ...['INVALID_PRODUCER_ID_MAPPING', 'PRODUCER_FENCED', 'DUPLICATE_SEQUENCE_NUMBER'],
])

/** Trying the same again gives the same answer. */
const REFUSED = new Set([
  ...['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'CORRUPT_MESSAGE'],
  ...['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION'],
  ...['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM', 'UNSUPPORTED_VERSION'],
])

const UNKNOWN_TOPIC = new Set(['UNKNOWN_TOPIC_OR_PARTITION'])
const TOPIC_EXISTS = new Set(['TOPIC_ALREADY_EXISTS'])

export const isProducerSpent = (error: unknown): boolean => hasType(error, PRODUCER_SPENT)

export const isRefused = (error: unknown): boolean =>
  hasType(error, REFUSED) ||
  chain(error).some(({ name }) => name === 'KafkaJSSASLAuthenticationError')

export const isUnknownTopic = (error: unknown): boolean => hasType(error, UNKNOWN_TOPIC)

export const isTopicThere = (error: unknown): boolean => hasType(error, TOPIC_EXISTS)

/** The partition whose offset was outside of what the broker has, or null for another error. */
export function outOfRangePartition(error: unknown): number | null {
  const found = chain(error).find(({ name }) => name === 'KafkaJSOffsetOutOfRange')
  return found?.partition ?? null
}

/** Why there is no connection at the start. */
export function startError(error: unknown, { brokers }: KafkaConfig): MillraceError {
  if (error instanceof MillraceError) return error
  const reason = error instanceof Error ? error.message : String(error)
  const code = isRefused(error) ? 'SERVER_REFUSED' : 'SERVER_UNREACHABLE'
  return new MillraceError(
    code,
    { port: 'log', address: brokers.join(', '), reason },
    { cause: error },
  )
}

/** A failed call of a broker. */
export function kafkaError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new MillraceError('LOG_UNAVAILABLE', { reason }, { cause: error })
}
