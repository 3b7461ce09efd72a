// Files: a flat name space of paths (`a/b/c`) on a folder or HDFS. Archive and models lie on it. A file appears whole
// or not at all, and never replaces another: who comes second learns it.
import { MillraceError } from './errors.ts'
import type { Closable, HealthSource } from './lifecycle.ts'

export interface FileWriter {
  /** Bytes written so far. */
  readonly bytes: number
  write(chunk: Uint8Array): Promise<void>
  /** Makes the file durable and visible under its path; false when a file of this path exists already (ours is thrown away). */
  commit(): Promise<boolean>
  /** Throws away what was written. */
  abort(): Promise<void>
}

export interface FileInfo {
  readonly path: string
  readonly bytes: number
}

export interface Files extends Closable, HealthSource {
  /** @throws MillraceError DISK_FULL, FILE_PATH_INVALID; its writer throws DISK_FULL too */
  create(path: string): Promise<FileWriter>
  /** Bytes [start, end) of a file. @throws MillraceError FILE_NOT_FOUND */
  read(path: string, start?: number, end?: number): Promise<Uint8Array>
  /** null when there is none. */
  stat(path: string): Promise<FileInfo | null>
  /** Files below a folder path, any depth, sorted by path; unfinished ones are not listed. */
  list(folder: string): Promise<readonly FileInfo[]>
  /** Removes a file or a folder with all in it; no error when there is none. */
  remove(path: string): Promise<void>
  /**
   * Where other programs find a file or a folder: `file:///…` or `webhdfs://host:port/…`. As it is, without escapes:
   * that is how Hadoop's file systems read it. @throws MillraceError FILE_PATH_INVALID
   */
  uriOf(path: string): string
}

/** Limit of a path, in UTF-8 bytes; of one name in it, 255. */
export const FILE_PATH_BYTES_MAX = 1024

/**
 * Refuses a path that is not of the form `a/b/c`: absolute, with an empty or a dotted part, with control characters or a
 * backslash, or too long. Names that begin with a dot belong to the implementations.
 * @throws MillraceError FILE_PATH_INVALID
 */
export function assertFilePath(path: string): void {
  const reason = whyNoPath(path)
  if (reason) throw new MillraceError('FILE_PATH_INVALID', { file: path, reason })
}

function whyNoPath(path: string): string | null {
  if (path === '') return 'it is empty'
  if (Buffer.byteLength(path) > FILE_PATH_BYTES_MAX) return 'it is too long'
  for (const part of path.split('/')) {
    if (part === '') return 'it has an empty part'
    if (part.startsWith('.')) return 'a part begins with a dot'
    if (Buffer.byteLength(part) > 255) return 'a part is longer than 255 bytes'
  }
  for (let i = 0; i < path.length; i++) {
    const unit = path.charCodeAt(i)
    if (unit < 32 || unit === 127 || unit === 92) return 'it has a control character or a backslash'
  }
  return null
}
