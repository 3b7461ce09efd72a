// The data folder and who owns it.
//
//   millrace.json    what the folder is: {"program":"millrace","format":2}
//   lock             held by the owner as long as it lives; the kernel frees it, also after kill -9
//   owner.pid        the owner's process id, for messages
//   addresses.json   where the owner listens, with the token of its admin API (mode 0600)
//   log/ store/ …    what the ports keep
import { existsSync } from 'node:fs'
import { chmod, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '#ports/errors'
import type { Closable } from '#ports/lifecycle'
import { messageOf } from './errors.ts'
import { newestFormat, runUpgrades, stepsFrom, UPGRADES, type Upgrade } from './upgrades.ts'

/** What this Millrace reads and writes. */
export const DATA_FORMAT = newestFormat(UPGRADES)

const FORMAT_FILE = 'millrace.json'
const LOCK_FILE = 'lock'
const PID_FILE = 'owner.pid'
const ADDRESSES_FILE = 'addresses.json'
/** What a first claim may have left when the process died in it. */
const LEFT_OF_FIRST_CLAIM = new Set([
  LOCK_FILE,
  // SQLite's, while the lock is held.
  `${LOCK_FILE}-journal`,
  PID_FILE,
  `${FORMAT_FILE}.tmp`,
])

const SQLITE_BUSY = 5

/** What `addresses.json` holds. Addresses are URLs without a path: `http://127.0.0.1:7070`. */
export interface WrittenAddresses {
  readonly pid: number
  readonly token: string
  /** null: another process has this role. */
  readonly event: string | null
  readonly query: string | null
  readonly console: string
}

export interface DataFolder extends Closable {
  readonly path: string
  /** Format the folder had before it was upgraded; null when it had today's. */
  readonly upgradedFrom: number | null
  /** Publishes where this process listens. They are withdrawn when the folder is closed. */
  writeAddresses(addresses: WrittenAddresses): Promise<void>
}

/**
 * Makes the folder if it is missing and takes it: nobody else can until it is closed or the process ends. A folder of an
 * older format is upgraded.
 * @throws MillraceError DATA_FOLDER_OWNED, DATA_FOLDER_VERSION, DATA_FOLDER_FOREIGN, DATA_FOLDER_UNUSABLE
 */
export async function claimDataFolder(folder: string): Promise<DataFolder> {
  let lock: DatabaseSync | null = null
  try {
    await makeFolder(folder)
    // Before the lock, which would add a file to a folder that is not ours; and behind it, where nobody else upgrades.
    await checkFormat(folder)
    lock = await takeLock(folder)
    const { format, steps } = await checkFormat(folder)
    // What an owner that was killed has left tells of nobody any more.
    await rm(join(folder, ADDRESSES_FILE), { force: true })
    await writeFile(join(folder, PID_FILE), `${process.pid}\n`)
    if (format === null) await writeFormat(folder, DATA_FORMAT)
    else await runUpgrades(folder, steps, (reached) => writeFormat(folder, reached))
    return new ClaimedFolder(folder, lock, steps.length > 0 ? format : null)
  } catch (error) {
    lock?.close()
    throw unusable(folder, error)
  }
}

/** True when the folder is missing or holds nothing. @throws MillraceError DATA_FOLDER_UNUSABLE */
export async function isEmptyFolder(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw unusable(folder, error)
  }
}

/**
 * Where the owner listens, as it last wrote it, or null. The process may have been killed since: see whether `pid` lives.
 * @throws MillraceError DATA_FOLDER_UNUSABLE when the file is there but cannot be read
 */
export async function readAddresses(folder: string): Promise<WrittenAddresses | null> {
  let text: string
  try {
    text = await readFile(join(folder, ADDRESSES_FILE), 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw unusable(folder, error)
  }
  try {
    const addresses = JSON.parse(text) as WrittenAddresses
    return Number.isInteger(addresses.pid) ? addresses : null
  } catch {
    return null
  }
}

class ClaimedFolder implements DataFolder {
  readonly path: string
  readonly upgradedFrom: number | null
  readonly #lock: DatabaseSync

  constructor(path: string, lock: DatabaseSync, upgradedFrom: number | null) {
    this.path = path
    this.upgradedFrom = upgradedFrom
    this.#lock = lock
  }

  async writeAddresses(addresses: WrittenAddresses): Promise<void> {
    try {
      await replaceFile(join(this.path, ADDRESSES_FILE), JSON.stringify(addresses))
    } catch (error) {
      throw unusable(this.path, error)
    }
  }

  async close(): Promise<void> {
    if (!this.#lock.isOpen) return
    await rm(join(this.path, ADDRESSES_FILE), { force: true })
    await rm(join(this.path, PID_FILE), { force: true })
    this.#lock.close()
  }
}

/** Makes a folder with its parents. Node's own recursive form never ends below a folder that takes none, such as /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || existsSync(dirname(folder))) throw error
    await makeFolder(dirname(folder))
    await mkdir(folder, { mode: 0o700 })
  }
}

interface FoundFormat {
  /** null for a folder that has no format file yet. */
  readonly format: number | null
  /** The steps to today's format. */
  readonly steps: readonly Upgrade[]
}

/** Checks that the folder is ours or empty, and of a format that can be used or upgraded. */
async function checkFormat(folder: string): Promise<FoundFormat> {
  const names = await readdir(folder)
  if (!names.includes(FORMAT_FILE)) {
    if (names.every((name) => LEFT_OF_FIRST_CLAIM.has(name))) return { format: null, steps: [] }
    throw new MillraceError('DATA_FOLDER_FOREIGN', { folder })
  }
  const format = formatOf(await readFile(join(folder, FORMAT_FILE), 'utf8'))
  if (format === null) {
    throw new MillraceError('DATA_FOLDER_UNUSABLE', {
      folder,
      reason: `its ${FORMAT_FILE} is damaged`,
    })
  }
  const steps = stepsFrom(format, UPGRADES)
  if (steps !== null) return { format, steps }
  const mend =
    format > DATA_FORMAT
      ? 'A newer Millrace made it: use that one, or another folder (--data DIR).'
      : 'An older Millrace made it: export the data with that one and import them into a new folder.'
  const known = DATA_FORMAT
  throw new MillraceError('DATA_FOLDER_VERSION', { folder, found: format, known, mend })
}

function formatOf(text: string): number | null {
  try {
    const { program, format } = JSON.parse(text) as { program?: unknown; format?: unknown }
    return program === 'millrace' && Number.isInteger(format) ? (format as number) : null
  } catch {
    return null
  }
}

async function writeFormat(folder: string, format: number): Promise<void> {
  const text = `${JSON.stringify({ program: 'millrace', format })}\n`
  await replaceFile(join(folder, FORMAT_FILE), text)
}

/** Writes a small file whole, for the owner's eyes only. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.datasync()
  } finally {
    await file.close()
  }
  await chmod(temporary, 0o600)
  await rename(temporary, path)
  await syncFolder(dirname(path))
}

/** Makes names that were added to or removed from a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Takes the lock, or is refused at once. SQLite is the way to a lock of the kernel that Node has built in; nothing is ever
 * written to the file, and nobody else may open it, since closing it anywhere in the process would free the lock.
 */
async function takeLock(folder: string): Promise<DatabaseSync> {
  const lock = new DatabaseSync(join(folder, LOCK_FILE), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error
    const pid = await readFile(join(folder, PID_FILE), 'utf8').catch(() => '')
    throw new MillraceError('DATA_FOLDER_OWNED', { folder, pid: pid.trim() || '(not known)' })
  }
}

function unusable(folder: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const reason = messageOf(error)
  return new MillraceError('DATA_FOLDER_UNUSABLE', { folder, reason }, { cause: error })
}
