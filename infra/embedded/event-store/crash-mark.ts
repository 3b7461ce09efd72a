// A mark in the store's folder while commits may be unflushed: the boot id of the machine that runs. Found again under
// the same boot, the process was killed and nothing is lost; under another one the machine stopped, pages may have
// reached the disk in any order, and the store has to be made anew from the log.
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const MARK = 'unflushed'
const DATA_FILES = ['data.mdb', 'lock.mdb']

export interface CrashMark {
  set(): Promise<void>
  clear(): Promise<void>
}

export function createCrashMark(path: string, boot: () => Promise<string> = bootId): CrashMark {
  const file = join(path, MARK)
  let isWanted = false
  let last: Promise<void> = Promise.resolve()
  /** One step after the other: a mark set while it is being removed is there in the end. */
  const then = (step: () => Promise<void>): Promise<void> => {
    last = last.catch(() => {}).then(step)
    return last
  }
  const write = async (): Promise<void> => {
    try {
      await writeFile(`${file}.new`, await boot(), { flush: true })
      await rename(`${file}.new`, file)
      await syncFolder(path)
    } catch (error) {
      isWanted = false
      throw error
    }
  }
  const remove = async (): Promise<void> => {
    await rm(file, { force: true })
    await syncFolder(path)
  }
  return {
    set: () => {
      if (isWanted) return last
      isWanted = true
      return then(write)
    },
    clear: () => {
      isWanted = false
      return then(remove)
    },
  }
}

/** True when the machine stopped while commits were unflushed: what the store holds cannot be trusted. */
export async function isBroken(path: string, boot = bootId): Promise<boolean> {
  const marked = await readFile(join(path, MARK), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return marked !== null && (marked === '' || marked !== (await boot()))
}

/** Removes a broken store; the sink then reads the log from its start. */
export async function removeBroken(path: string): Promise<void> {
  for (const file of DATA_FILES) await rm(join(path, file), { force: true })
  await rm(join(path, MARK), { force: true })
  await syncFolder(path)
}

/** The kernel's id of this boot; where there is none every unflushed store counts as broken. */
async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return ''
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
