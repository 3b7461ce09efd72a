// The files port on HDFS. A file is written under a name of its own in `.tmp`, then renamed to its path, which HDFS refuses when
// the path is taken: so a file is whole or not there, and none replaces another, whoever else writes.
import { randomUUID } from 'node:crypto'
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import { assertFilePath, type FileInfo, type Files, type FileWriter } from '#ports/files'
import { createWebHdfs, type FileStatus, type WebHdfs } from './client.ts'
import { hdfsConfig } from './config.ts'
import { fileError, isMissing } from './errors.ts'

const TEMPORARY = '.tmp'

/** @throws MillraceError CONFIG_INVALID, SERVER_UNREACHABLE */
export async function openHdfsFiles(url: string, clock: Clock): Promise<Files> {
  const config = hdfsConfig(url)
  const hdfs = createWebHdfs(config, clock)
  const { root } = config
  try {
    await hdfs.makeFolders(`${root}/${TEMPORARY}`)
  } catch (error) {
    const reason = fileError(error, url).message
    const details = { port: 'files', address: config.nameNode, reason }
    throw new MillraceError('SERVER_UNREACHABLE', details, { cause: error })
  }
  const absolute = (path: string): string => {
    assertFilePath(path)
    return `${root}/${path}`
  }
  const answer = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw fileError(error, path)
    }
  }
  return {
    create: async (path) => {
      const target = absolute(path)
      const temporary = `${root}/${TEMPORARY}/${randomUUID()}`
      return answer(path, () => openWriter(hdfs, path, temporary, target))
    },
    read: async (path, start = 0, end) => {
      const file = absolute(path)
      return answer(path, () => read(hdfs, file, start, end ?? null))
    },
    stat: async (path) => {
      const file = absolute(path)
      const found = await answer(path, () => orNull(hdfs.status(file)))
      return found?.type === 'FILE' ? { path, bytes: found.length } : null
    },
    list: async (folder) => {
      const start = folder === '' ? root : absolute(folder)
      const files = await answer(folder, () => listBelow(hdfs, start, folder))
      return files.sort((a, b) => (a.path < b.path ? -1 : 1))
    },
    remove: async (path) => {
      const file = absolute(path)
      await answer(path, () => hdfs.remove(file))
    },
    uriOf: (path) => `${config.nameNode.replace(/^http:/, 'webhdfs:')}${absolute(path)}`,
    health: async () => {
      const name = 'files'
      try {
        await hdfs.status(root)
        return { name, status: 'ok', detail: `HDFS answers at ${config.nameNode}.` }
      } catch (error) {
        const hint = `Check that HDFS runs and that ${config.nameNode} is the HTTP address of its NameNode.`
        return { name, status: 'failed', detail: fileError(error, root).message, hint }
      }
    },
    close: async () => {},
  }
}

async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found
  } catch (error) {
    if (isMissing(error) || isBelowFile(error)) return null
    throw error
  }
}

/** A path one of whose folders is a file. */
const isBelowFile = (error: unknown): boolean =>
  error instanceof Error &&
  /ParentNotDirectory|is not a directory/.test(`${error.name} ${error.message}`)

/** HDFS refuses to read from behind the end; a reader here gets nothing. */
async function read(
  hdfs: WebHdfs,
  file: string,
  start: number,
  end: number | null,
): Promise<Uint8Array> {
  const { length } = await hdfs.status(file)
  const until = Math.min(end ?? length, length)
  if (start >= until) return new Uint8Array(0)
  return hdfs.open(file, start, until - start)
}

async function listBelow(hdfs: WebHdfs, folder: string, path: string): Promise<FileInfo[]> {
  const entries: readonly FileStatus[] = (await orNull(hdfs.list(folder))) ?? []
  const files: FileInfo[] = []
  for (const { pathSuffix: name, type, length } of entries) {
    // An entry without a name: it was a file, not a folder.
    if (name === '' || name.startsWith('.')) continue
    const below = path === '' ? name : `${path}/${name}`
    if (type === 'DIRECTORY') files.push(...(await listBelow(hdfs, `${folder}/${name}`, below)))
    else files.push({ path: below, bytes: length })
  }
  return files
}

async function openWriter(
  hdfs: WebHdfs,
  path: string,
  temporary: string,
  target: string,
): Promise<FileWriter> {
  const upload = await hdfs.create(temporary)
  let bytes = 0
  let isOver = false
  const assertOpen = (): void => {
    if (isOver) throw new Error(`the writer of ${path} is closed`)
  }
  const discard = async (): Promise<void> => {
    upload.destroy()
    await hdfs.remove(temporary)
  }
  return {
    get bytes() {
      return bytes
    },
    write: async (chunk) => {
      assertOpen()
      try {
        await upload.write(chunk)
        bytes += chunk.length
      } catch (error) {
        throw fileError(error, path)
      }
    },
    commit: async () => {
      assertOpen()
      isOver = true
      try {
        await upload.end()
        await assertWhole(hdfs, temporary, bytes)
        await hdfs.makeFolders(target.slice(0, target.lastIndexOf('/')))
        if (await hdfs.rename(temporary, target)) return true
        // A rename whose answer was lost is refused when it is made again, and yet it was ours.
        return (await orNull(hdfs.status(temporary))) === null
      } catch (error) {
        throw fileError(error, path)
      } finally {
        await hdfs.remove(temporary).catch(() => {})
      }
    },
    abort: async () => {
      if (isOver) return
      isOver = true
      await discard()
    },
  }
}

async function assertWhole(hdfs: WebHdfs, file: string, bytes: number): Promise<void> {
  const { length } = await hdfs.status(file)
  if (length === bytes) return
  const reason = `${length} of ${bytes} bytes arrived`
  throw new MillraceError('FILE_UNREADABLE', { file, reason })
}
