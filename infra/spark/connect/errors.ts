// What goes wrong between us and Spark, as errors of the catalogue.
import { MillraceError } from '#ports/errors'
import type { FetchErrorDetailsResponse } from './client.ts'

/** A call that failed: by gRPC's status, and by what the server said about it. */
export class RpcFailure extends Error {
  override readonly name = 'RpcFailure'
  /** Name of gRPC's status: `UNAVAILABLE`, `INTERNAL`, … */
  readonly status: string
  /** Spark's error class (`TABLE_OR_VIEW_NOT_FOUND`); empty when Spark itself did not fail. */
  readonly errorClass: string
  /** Class of the server's exception; empty when the failure is not the server's. */
  readonly exception: string
  /** By which the server tells more; empty when there is no more. */
  readonly errorId: string

  constructor(status: string, message: string, told: ToldByServer = {}) {
    super(message)
    this.status = status
    this.errorClass = told.errorClass ?? ''
    this.exception = told.exception ?? ''
    this.errorId = told.errorId ?? ''
  }
}

/** What comes with a failure of the server's. */
export interface ToldByServer {
  readonly errorClass?: string
  readonly exception?: string
  readonly errorId?: string
}

/** The statuses of a server or a connection that is away. A stream of ours that was cancelled is looked at before. */
const PASSING = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'CANCELLED'])
/** What gRPC's library says of a connection that broke, with a status that Spark has for its own errors too. */
const CUT = /RST_STREAM|ECONNRESET|Bandwidth exhausted/

/** The call may be made again; a stream is attached to again. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof RpcFailure)) return false
  // A newer attachment of ours, whose answer was lost, has taken the stream over.
  if (error.errorClass === 'INVALID_CURSOR.DISCONNECTED') return true
  return error.exception === '' && (PASSING.has(error.status) || CUT.test(error.message))
}

/** The stream was open for as long as it may be: nothing is wrong. */
export const isStreamOver = (error: unknown): boolean =>
  error instanceof RpcFailure && error.status === 'DEADLINE_EXCEEDED'

/** The server knows nothing of the operation: it may never have begun. */
export const isUnknownOperation = (error: unknown): boolean =>
  error instanceof RpcFailure && error.errorClass === 'INVALID_HANDLE.OPERATION_NOT_FOUND'

/** The server has begun it already: a first answer to the same call was lost. */
export const isBegun = (error: unknown): boolean =>
  error instanceof RpcFailure && error.errorClass === 'INVALID_HANDLE.OPERATION_ALREADY_EXISTS'

const LOST = /^(INVALID_HANDLE|INVALID_CURSOR|OPERATION_CANCELED|CONNECT_ML\.CACHE_INVALID)/

/**
 * @param details all that the server tells of it, or null
 * @returns SPARK_UNREACHABLE, SPARK_LOST or SPARK_REFUSED, unless it is one of ours already
 */
export function sparkError(
  error: unknown,
  address: string,
  details: FetchErrorDetailsResponse | null = null,
): MillraceError {
  if (error instanceof MillraceError) return error
  if (!(error instanceof RpcFailure)) {
    const reason = error instanceof Error ? error.message : String(error)
    return new MillraceError('INTERNAL', { reason }, { cause: error })
  }
  if (isPassing(error)) {
    return new MillraceError(
      'SPARK_UNREACHABLE',
      { address, reason: error.message },
      { cause: error },
    )
  }
  const chain = details === null ? [] : causes(details)
  // Spark wraps what it says itself: "Job aborted due to stage failure …"
  const named = chain.findIndex(({ sparkThrowable }) => Boolean(sparkThrowable?.errorClass))
  const errorClass = chain[named]?.sparkThrowable?.errorClass ?? error.errorClass
  const messages = chain.slice(Math.max(named, 0)).map(({ message }) => firstPart(message))
  const reason = messages.length === 0 ? firstPart(error.message) : withCauses(messages)
  if (LOST.test(errorClass)) return new MillraceError('SPARK_LOST', { reason }, { cause: error })
  const kind = errorClass || error.exception || error.status
  return new MillraceError(
    'SPARK_REFUSED',
    { errorClass: kind, reason: reason.includes(kind) ? reason : `${kind}: ${reason}` },
    { cause: error },
  )
}

type ServerError = FetchErrorDetailsResponse['errors'][number]

/** The server's exception, and what caused it, outermost first. */
function causes({ errors, rootErrorIdx = 0 }: FetchErrorDetailsResponse): ServerError[] {
  const chain: ServerError[] = []
  let next = errors[rootErrorIdx]
  while (next !== undefined && chain.length < errors.length) {
    chain.push(next)
    next = next.causeIdx === undefined ? undefined : errors[next.causeIdx]
  }
  return chain
}

/** What happened, and its causes as far as they say more: in the middle may stand the file, at the end the fault. */
function withCauses(messages: readonly string[]): string {
  const [outer = '', ...inner] = messages
  const causes: string[] = []
  for (const cause of inner) {
    if (![outer, ...causes].some((said) => said.includes(cause))) causes.push(cause)
  }
  const all = causes.length === 0 ? outer : `${outer} (${causes.join(': ')})`
  return all.slice(0, REASON_CHARACTERS_MAX)
}

const REASON_CHARACTERS_MAX = 2000

/** Without the plan that Spark prints below its message. */
function firstPart(message: string): string {
  const end = /\n\s*['+]|\n\nDriver stacktrace|\n\tat /.exec(message)?.index ?? message.length
  return message.slice(0, Math.min(end, REASON_CHARACTERS_MAX)).trim()
}
