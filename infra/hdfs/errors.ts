// HDFS's errors in our words.
import { MillraceError } from '#ports/errors'

/** What WebHDFS answers instead of a result. */
export class RemoteException extends Error {
  override readonly name: string

  constructor(exception: string, message: string) {
    super(message)
    this.name = exception
  }
}

export const isMissing = (error: unknown): boolean =>
  error instanceof RemoteException && error.name === 'FileNotFoundException'

/** A NameNode that starts, or is not there for a moment; the same call is made again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof RemoteException) {
    return /SafeMode|Standby|Retriable/.test(`${error.name} ${error.message}`)
  }
  const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'UND_ERR_SOCKET'
}

const FULL = /QuotaExceeded|could only be written to 0|No space left|minReplication/

export function fileError(error: unknown, file: string): MillraceError {
  if (error instanceof MillraceError) return error
  if (isMissing(error)) return new MillraceError('FILE_NOT_FOUND', { file }, { cause: error })
  const { name, message, cause } = error as Error
  if (FULL.test(`${name} ${message}`)) {
    return new MillraceError('DISK_FULL', { what: `HDFS (${file})` }, { cause: error })
  }
  const because = cause instanceof Error ? `: ${cause.message}` : ''
  const reason = `HDFS: ${message}${because}`
  return new MillraceError('FILE_UNREADABLE', { file, reason }, { cause: error })
}
