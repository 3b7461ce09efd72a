// One process at a time, by a lock of the kernel on a file: it is free again when its holder ends, however it ends. SQLite is the
// way to such a lock that Node has built in; nothing is ever written to the file.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ClusterError } from './cluster-error.ts'
import type { Host } from './server.ts'

const LOOK_MS = 200

/**
 * Runs the work while holding the lock.
 * @param waitMs how long to wait for another holder
 * @throws ClusterError busy
 */
export async function withLock<Result>(
  file: string,
  waitMs: number,
  host: Host,
  work: () => Promise<Result>,
): Promise<Result> {
  await mkdir(dirname(file), { recursive: true })
  const deadline = host.clock.monotonic() + waitMs
  let lock = take(file)
  while (lock === null) {
    if (host.clock.monotonic() > deadline) throw new ClusterError('busy', { file })
    await host.clock.sleep(LOOK_MS)
    lock = take(file)
  }
  try {
    return await work()
  } finally {
    lock.close()
  }
}

function take(file: string): DatabaseSync | null {
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (/locked|busy/i.test((error as Error).message)) return null
    throw error
  }
}
