// HBase's errors in our words, and which of them pass by themselves.
import { asMillraceError, MillraceError } from '#ports/errors'

/**
 * While regions move, servers restart or are too busy; the same call is made again after the regions were looked up anew. Of
 * scanners we hold none: a page of a scan begins anew, and so the server need not know the one that it lost in the middle of it.
 */
const PASSING =
  /NotServing|RegionMoved|RegionOpening|RegionTooBusy|RegionServer(Stopped|Aborted)|ServerNotRunning|CallQueueTooBig|ConnectionClosed|timedout|RegionNotFound|PleaseHold|RegionInTransition|FailedServer|CallDropped|CallTimeout|UnknownScanner|ScannerReset/i

/** The name of an error as the server gave it, or as the library did. */
export function errorName(error: unknown): string {
  if (typeof error === 'string') return error
  const { exceptionClassName, name } = (error ?? {}) as {
    exceptionClassName?: string
    name?: string | { exceptionClassName?: string }
  }
  if (exceptionClassName) return exceptionClassName
  if (typeof name === 'object') return name?.exceptionClassName ?? 'unknown'
  return name ?? 'unknown'
}

export function isPassing(error: unknown): boolean {
  return PASSING.test(errorName(error))
}

export function lostConnection(server: string, reason: string): Error {
  return Object.assign(new Error(`${server}: ${reason}`), { name: 'ConnectionClosed' })
}

export function regionNotFound(table: string): Error {
  return Object.assign(new Error(`no region of ${table} holds this row`), {
    name: 'RegionNotFound',
  })
}

/** @returns STORE_FAILED with what HBase said, unless it is one of ours already */
export function storeError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const name = errorName(error)
  const message = error instanceof Error ? error.message : asText(error)
  const reason = `HBase: ${name}${message === '' || message === name ? '' : `: ${message}`}`
  const cause = error instanceof Error ? error : asMillraceError(error)
  return new MillraceError('STORE_FAILED', { reason }, { cause })
}

/** The first line of a stack trace that the server sent. */
function asText(error: unknown): string {
  const { stackTrace } = (error ?? {}) as { stackTrace?: string }
  return stackTrace?.split('\n')[0] ?? ''
}

/** Does something on HBase; what it throws becomes one of our errors. @throws MillraceError STORE_FAILED */
export async function answer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeError(error)
  }
}
