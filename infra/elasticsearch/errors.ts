// What the client library says, as errors of the catalogue.
import { MillraceError } from '#ports/errors'

/** Names of the library's errors when there was no answer. */
const SILENT = new Set([
  'ConnectionError',
  'NoLivingConnectionsError',
  'RequestAbortedError',
  'TimeoutError',
])

/** Answers that say: later. */
const BUSY = new Set([408, 429, 502, 503, 504])

interface LibraryError {
  readonly name: string
  readonly message: string
  readonly statusCode?: number | undefined
  readonly body?: unknown
}

interface Cause {
  readonly type?: string
  readonly reason?: string
  readonly root_cause?: readonly Cause[]
}

/** A failed request as one of ours; the library's error is its cause. */
export function indexError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const { name, message, statusCode } = error as LibraryError
  const reason = reasonOf(error as LibraryError) ?? message
  const isLater = SILENT.has(name) || (statusCode !== undefined && BUSY.has(statusCode))
  return new MillraceError(
    isLater ? 'INDEX_UNAVAILABLE' : 'INDEX_FAILED',
    { reason },
    { cause: error },
  )
}

function causeOf({ body }: LibraryError): Cause | undefined {
  const cause = (body as { error?: Cause | string } | null | undefined)?.error
  return typeof cause === 'object' ? (cause.root_cause?.[0] ?? cause) : undefined
}

function reasonOf(error: LibraryError): string | undefined {
  const cause = causeOf(error)
  return cause?.type === undefined ? undefined : `${cause.type}: ${cause.reason ?? ''}`
}

/** The status of the answer behind an error; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  const cause = error instanceof Error ? (error.cause as LibraryError | undefined) : undefined
  return cause?.statusCode
}

/** True when the index, alias or point in time that a request named is not there. */
export function isMissing(error: unknown): boolean {
  return statusOf(error) === 404
}

/** Why the port cannot be opened: who, where, and what to do. */
export function openError(error: unknown, address: string): MillraceError {
  if (error instanceof MillraceError && error.code.startsWith('SERVER_')) return error
  const failed = indexError(error)
  const status = statusOf(failed)
  const details = { port: 'index', address, reason: String(failed.details.reason) }
  const options = { cause: error }
  if (status === 401 || status === 403) {
    return new MillraceError('SERVER_REFUSED', details, options)
  }
  return new MillraceError('SERVER_UNREACHABLE', details, options)
}
