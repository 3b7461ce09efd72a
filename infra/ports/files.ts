// Files: a flat name space of paths (`a/b/c`) on a folder or HDFS. Archive and models lie on it. A file appears whole
// or not at all, and never replaces another: who comes second learns it.
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
  /** @throws MillraceError DISK_FULL */
  create(path: string): Promise<FileWriter>
  /** Bytes [start, end) of a file. @throws MillraceError FILE_NOT_FOUND */
  read(path: string, start?: number, end?: number): Promise<Uint8Array>
  /** null when there is none. */
  stat(path: string): Promise<FileInfo | null>
  /** Files below a folder path, any depth, sorted by path; unfinished ones are not listed. */
  list(folder: string): Promise<readonly FileInfo[]>
  /** Removes a file or a folder with all in it; no error when there is none. */
  remove(path: string): Promise<void>
}
