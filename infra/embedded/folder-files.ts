// Files on a folder. A file is written under a name of its own in `.tmp/`, flushed, and then linked to its path, which
// fails when the path is taken: so a file is whole or not there, and none replaces another.
//
//   .tmp/<name> ─ write ─ fdatasync ─ link ▶ a/b/c ─ fsync of the folders ─ unlink of the name in .tmp/
import { type FileHandle, link, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isMainThread, threadId } from 'node:worker_threads'
import { MillraceError } from '#ports/errors'
import { assertFilePath, type FileInfo, type Files, type FileWriter } from '#ports/files'
import type { Health } from '#ports/lifecycle'
import { syncFolder } from './data-folder.ts'
import { isFull } from './errors.ts'

const TEMPORARY = '.tmp'
/** Free space below which health is degraded. */
const FREE_BYTES_LOW = 512 * 1024 * 1024

/** Names of unfinished files of this thread begin so; a process of the same id has another start. */
const OWN_PREFIX = `${process.pid}-${performance.timeOrigin}-${threadId}-`
let created = 0

export interface FolderFilesOptions {
  readonly root: string
  /** Other processes write here too: what they have not finished is left alone. */
  readonly isShared?: boolean
}

/**
 * Opens a folder as files, made if it is missing. Several threads may open the same one: the main thread first, since it
 * removes what a killed process left unfinished.
 */
export async function openFolderFiles({
  root,
  isShared = false,
}: FolderFilesOptions): Promise<Files> {
  await mkdir(join(root, TEMPORARY), { recursive: true })
  if (isMainThread && !isShared) await removeLeftovers(join(root, TEMPORARY))
  return new FolderFiles(root)
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(OWN_PREFIX)) await rm(join(folder, name), { force: true })
  }
}

class FolderFiles implements Files {
  readonly #root: string

  constructor(root: string) {
    this.#root = root
  }

  async create(path: string): Promise<FileWriter> {
    assertFilePath(path)
    const temporary = join(this.#root, TEMPORARY, `${OWN_PREFIX}${created++}`)
    try {
      const handle = await open(temporary, 'wx')
      return new FolderFileWriter({ handle, temporary, root: this.#root, path })
    } catch (error) {
      throw fileError(error, path)
    }
  }

  async read(path: string, start = 0, end?: number): Promise<Uint8Array> {
    const file = this.#pathOf(path)
    let handle: FileHandle
    try {
      handle = await open(file, 'r')
    } catch (error) {
      throw fileError(error, path)
    }
    try {
      const { size } = await handle.stat()
      const length = Math.max(Math.min(end ?? size, size) - start, 0)
      const content = Buffer.allocUnsafe(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await handle.read(content, filled, length - filled, start + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return content.subarray(0, filled)
    } catch (error) {
      throw fileError(error, path)
    } finally {
      await handle.close()
    }
  }

  async stat(path: string): Promise<FileInfo | null> {
    try {
      const found = await stat(this.#pathOf(path))
      return found.isFile() ? { path, bytes: found.size } : null
    } catch (error) {
      if (isMissing(error)) return null
      throw fileError(error, path)
    }
  }

  async list(folder: string): Promise<readonly FileInfo[]> {
    const files: FileInfo[] = []
    await this.#listInto(folder, folder === '' ? this.#root : this.#pathOf(folder), files)
    return files.sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  async remove(path: string): Promise<void> {
    const file = this.#pathOf(path)
    try {
      await rm(file, { recursive: true, force: true })
      await syncFolder(dirname(file))
    } catch (error) {
      if (!isMissing(error)) throw fileError(error, path)
    }
  }

  uriOf(path: string): string {
    return `file://${resolve(this.#pathOf(path))}`
  }

  async health(): Promise<Health> {
    const name = 'files'
    try {
      const { bavail, bsize } = await statfs(this.#root)
      const free = bavail * bsize
      const detail = `${Math.floor(free / 2 ** 20)} MiB are free.`
      if (free >= FREE_BYTES_LOW) return { name, status: 'ok', detail }
      return { name, status: 'degraded', detail, hint: 'Free space on the data folder.' }
    } catch (error) {
      const hint = 'Check the files folder in the data folder.'
      return { name, status: 'failed', detail: fileError(error, this.#root).message, hint }
    }
  }

  async close(): Promise<void> {}

  #pathOf(path: string): string {
    assertFilePath(path)
    return join(this.#root, path)
  }

  async #listInto(folder: string, directory: string, files: FileInfo[]): Promise<void> {
    let entries: Awaited<ReturnType<typeof readEntries>>
    try {
      entries = await readEntries(directory)
    } catch (error) {
      if (isMissing(error)) return
      throw fileError(error, folder)
    }
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) await this.#listInto(path, join(directory, entry.name), files)
      else {
        const info = await this.stat(path)
        if (info) files.push(info)
      }
    }
  }
}

const readEntries = (directory: string) => readdir(directory, { withFileTypes: true })

interface OpenFile {
  readonly handle: FileHandle
  readonly temporary: string
  readonly root: string
  readonly path: string
}

class FolderFileWriter implements FileWriter {
  readonly #file: OpenFile
  #bytes = 0
  #over = false

  constructor(file: OpenFile) {
    this.#file = file
  }

  get bytes(): number {
    return this.#bytes
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#assertOpen()
    const { handle, path } = this.#file
    try {
      for (let at = 0; at < chunk.length; ) {
        at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten
      }
      this.#bytes += chunk.length
    } catch (error) {
      throw fileError(error, path)
    }
  }

  async commit(): Promise<boolean> {
    this.#assertOpen()
    this.#over = true
    const { handle, temporary, root, path } = this.#file
    const target = join(root, path)
    try {
      await handle.datasync()
      await handle.close()
      const added = await mkdir(dirname(target), { recursive: true })
      await link(temporary, target)
      await syncFolder(dirname(target))
      // A new folder's name is in the folder above it.
      for (let folder = dirname(target); added !== undefined && folder.length >= added.length; ) {
        folder = dirname(folder)
        await syncFolder(folder)
      }
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw fileError(error, path)
    } finally {
      await handle.close().catch(() => {})
      await rm(temporary, { force: true })
    }
  }

  async abort(): Promise<void> {
    if (this.#over) return
    this.#over = true
    await this.#file.handle.close()
    await rm(this.#file.temporary, { force: true })
  }

  #assertOpen(): void {
    if (this.#over) throw new Error(`the writer of ${this.#file.path} is closed`)
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function fileError(error: unknown, file: string): MillraceError {
  if (error instanceof MillraceError) return error
  const { message } = error as Error
  if (isMissing(error)) return new MillraceError('FILE_NOT_FOUND', { file }, { cause: error })
  if (isFull(error)) return new MillraceError('DISK_FULL', { what: file }, { cause: error })
  return new MillraceError('FILE_UNREADABLE', { file, reason: message }, { cause: error })
}
