// What LMDB and the file system say, as errors of the catalogue.
import { MillraceError } from '#ports/errors'

const FULL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** LMDB's own texts, and strerror's for ENOSPC, EDQUOT and EFBIG: its errors carry no names. */
const FULL_TEXT = /MDB_MAP_FULL|No space left|[Qq]uota exceeded|File too large/

/** True when there is no room: a full disk, a quota, a file size limit or LMDB's map. */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error as NodeJS.ErrnoException).code
  return (typeof code === 'string' && FULL_CODES.has(code)) || FULL_TEXT.test(error.message)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A failed write of the log. */
export function logError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  if (isFull(error)) return new MillraceError('LOG_FULL', {}, { cause: error })
  return new MillraceError('LOG_UNAVAILABLE', { reason: messageOf(error) }, { cause: error })
}
