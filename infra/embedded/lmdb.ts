// What all environments of LMDB that must not lose anything have in common.
import { open, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { RootDatabase } from 'lmdb'
import { isFull } from './errors.ts'

/**
 * - A commit is flushed to disk before anybody sees it and before its promise resolves.
 * - Without `eventTurnBatching: false` lmdb makes one more promise a turn that nobody can await: when the disk is full its
 *   rejection ends the process.
 */
export const DURABLE_ENVIRONMENT = {
  overlappingSync: false,
  eventTurnBatching: false,
  encoding: 'binary',
} as const

/**
 * Awaits a write of lmdb. What a failed commit rejects with only points at the cause, in a second promise that nobody
 * else would handle.
 */
export async function committed<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (error) {
    const cause = (error as { commitError?: Promise<never> }).commitError
    if (cause === undefined) throw error
    return await cause
  }
}

/**
 * True when `bytes` more do not fit behind the data file of the environment in `path`. LMDB itself reports the short
 * write of a disk that is just filling up as an input/output error; this tells the two apart by writing as much into a
 * file of its own.
 */
export async function probeFull(path: string, bytes: number): Promise<boolean> {
  const probe = join(path, 'probe.tmp')
  try {
    const { size } = await stat(join(path, 'data.mdb'))
    const handle = await open(probe, 'w')
    try {
      // A commit also writes the pages that lead to the value.
      const chunk = Buffer.alloc(bytes + 64 * 1024)
      for (let at = 0; at < chunk.length; ) {
        at += (await handle.write(chunk, at, chunk.length - at, size + at)).bytesWritten
      }
      await handle.datasync()
      return false
    } finally {
      await handle.close()
    }
  } catch (error) {
    return isFull(error)
  } finally {
    await rm(probe, { force: true })
  }
}

/**
 * Fills a data file up with zeros when it is shorter than LMDB believes, and returns how many bytes were missing. To read
 * a page behind the end of a mapped file would end the process (SIGBUS); a page of zeros is an error or fails a checksum.
 * Call it right after the environment was opened.
 */
export async function fillShortFile(environment: RootDatabase, path: string): Promise<number> {
  const { lastPageNumber, pageSize } = environment.getStats() as {
    readonly lastPageNumber: number
    readonly pageSize: number
  }
  const file = join(path, 'data.mdb')
  const wanted = (lastPageNumber + 1) * pageSize
  const { size } = await stat(file)
  if (size < wanted) await truncate(file, wanted)
  return Math.max(wanted - size, 0)
}
