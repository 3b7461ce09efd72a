import { MillraceError } from '#ports/errors'

/**
 * Runs something about a file; what goes wrong in it says which file. Failures of the disk stay what they are.
 * @throws MillraceError ARCHIVE_CORRUPT
 */
export async function namingFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof MillraceError && error.code !== 'FILE_NOT_FOUND') throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new MillraceError('ARCHIVE_CORRUPT', { file: path, reason }, { cause: error })
  }
}
