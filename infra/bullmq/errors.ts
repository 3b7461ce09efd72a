// Redis' errors in our words.
import { MillraceError } from '#ports/errors'
import type { RedisConfig } from './config.ts'

/** At its start: the address, user and password, or the version are not right. */
export function startError(error: unknown, { address }: RedisConfig): MillraceError {
  if (error instanceof MillraceError) return error
  const reason = reasonOf(error)
  const details = { port: 'queue', address, reason }
  const code = /WRONGPASS|NOAUTH|NOPERM|without any password/.test(reason)
    ? 'SERVER_REFUSED'
    : 'SERVER_UNREACHABLE'
  return new MillraceError(code, details, { cause: error })
}

/** While it runs. */
export function queueError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const reason = reasonOf(error)
  if (/^OOM /.test(reason)) {
    const what = `the job queue, since Redis has reached its maxmemory (${reason})`
    return new MillraceError('DISK_FULL', { what }, { cause: error })
  }
  return new MillraceError('QUEUE_UNAVAILABLE', { reason }, { cause: error })
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join(', ')
  return error instanceof Error ? error.message : String(error)
}
