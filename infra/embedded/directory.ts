// The directory as the fold of the control log, in memory. It is folded from the log's beginning when it is opened, and
// follows the log from then on: a writer learns its verdict when it meets its own record.
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { Health } from '#ports/lifecycle'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import type { AccessKey, ControlRecord, DirectoryState, Verdict } from '#schemas/directory'
import { decideControl, EMPTY_DIRECTORY, foldControl } from '#schemas/directory-fold'
import type { IdSource } from '#schemas/ids'
import { messageOf } from './errors.ts'
import { createKeySeal, hashKey, type KeySeal, openSecret } from './key-seal.ts'

const PARTITION = 0
const READ_BYTES = 1024 * 1024
const RETRY_MS = 1000
/** Its name in a data folder. */
const SECRET = 'secret'
/** Texts of known keys whose hash is remembered. */
const KEY_TEXTS_MAX = 10_000

export interface DirectoryOptions {
  readonly control: Log
  /** Holds the secret that keys are sealed with; made on first use. */
  readonly secretFile: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
  /** Keep hashes of new keys only: lists cannot print them then. */
  readonly hashedKeys?: boolean
}

/**
 * Opens the directory, folded to the control log's end. The log stays the caller's.
 * @throws MillraceError FILE_UNREADABLE, RECORD_UNREADABLE, LOG_UNAVAILABLE
 */
export async function openDirectory(options: DirectoryOptions): Promise<Directory> {
  const seal = createKeySeal(await openSecret(options.secretFile))
  const directory = new EmbeddedDirectory(options, seal)
  await directory.catchUp()
  directory.follow()
  return directory
}

class EmbeddedDirectory implements Directory {
  readonly #options: DirectoryOptions
  readonly #seal: KeySeal
  readonly #hashes = new Map<string, string>()
  readonly #listeners = new Set<(record: ControlRecord) => void>()
  /** Verdicts of our own records that are under way, by append id. */
  readonly #verdicts = new Map<string, Verdict | null>()
  readonly #closing = new AbortController()
  #state = EMPTY_DIRECTORY
  /** Offset of the next record to fold. */
  #next = 0
  #folding: Promise<void> = Promise.resolve()
  #following: Promise<void> = Promise.resolve()
  #failure: unknown = null

  constructor(options: DirectoryOptions, seal: KeySeal) {
    this.#options = options
    this.#seal = seal
  }

  get state(): DirectoryState {
    return this.#state
  }

  accessKey(text: string): AccessKey | undefined {
    const hash = this.#hashes.get(text) ?? hashKey(text)
    const key = this.#state.keys.get(hash)
    // Only texts of real keys are remembered: guesses must not push them out.
    if (key !== undefined && !this.#hashes.has(text)) {
      if (this.#hashes.size >= KEY_TEXTS_MAX) this.#hashes.clear()
      this.#hashes.set(text, hash)
    }
    return key
  }

  keyText(key: AccessKey): string | null {
    return key.sealed === null ? null : this.#seal.open(key.sealed, key.hash)
  }

  sealKey(text: string): { readonly hash: string; readonly sealed: string | null } {
    const hash = hashKey(text)
    return { hash, sealed: this.#options.hashedKeys ? null : this.#seal.seal(text, hash) }
  }

  async write(record: Omit<ControlRecord, 'appendId' | 'time'>): Promise<Verdict> {
    const { clock, control, ids } = this.#options
    const time = clock.now()
    const appendId = ids(time)
    const whole: ControlRecord = { appendId, time, ...record }
    this.#verdicts.set(appendId, null)
    try {
      const bytes = Buffer.from(JSON.stringify(whole))
      const { offset } = await control.append(PARTITION, [bytes])
      await this.#foldTo(offset + 1)
      const verdict = this.#verdicts.get(appendId)
      if (verdict) return verdict
      throw new MillraceError('INTERNAL', { reason: `control record ${appendId} was not met` })
    } finally {
      this.#verdicts.delete(appendId)
    }
  }

  async catchUp(): Promise<void> {
    await this.#foldTo(await this.#options.control.end(PARTITION))
  }

  subscribe(listener: (record: ControlRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Folds what others append, until closed. */
  follow(): void {
    const { clock, control, telemetry } = this.#options
    const { signal } = this.#closing
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        const from = this.#next
        await control.waitFor(PARTITION, from, signal)
        // A wait that ends without a new record is the end of the log: it was closed.
        if (signal.aborted || (await control.end(PARTITION)) <= from) return
        try {
          await this.catchUp()
          this.#failure = null
        } catch (error) {
          if (this.#failure === null) telemetry.log('error', 'directory-behind', { error })
          this.#failure = error
          await clock.sleep(RETRY_MS, signal)
        }
      }
    }
    this.#following = run()
  }

  async health(): Promise<Health> {
    const name = 'directory'
    if (this.#failure !== null) {
      const detail = `The control log cannot be read: ${messageOf(this.#failure)}`
      return { name, status: 'failed', detail, hint: 'Look at the log of the process.' }
    }
    const { apps, engines, keys } = this.#state
    const detail = `${apps.size} apps, ${engines.size} engines.`
    const foreign = [...keys.values()].filter((key) => key.sealed && this.keyText(key) === null)
    if (foreign.length === 0) return { name, status: 'ok', detail }
    const hint = `${foreign.length} access key(s) work but cannot be listed here: they were made with another secret. Copy the file ${SECRET} of the data folder they were made in.`
    return { name, status: 'ok', detail, hint }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#following
    await this.#folding.catch(() => {})
  }

  /** Folds up to `end`, after what is being folded already. */
  async #foldTo(end: number): Promise<void> {
    const before = this.#folding.catch(() => {})
    this.#folding = before.then(async () => {
      while (this.#next < end) {
        const batch = await this.#options.control.read(PARTITION, this.#next, READ_BYTES)
        for (const { offset, value } of batch.records) this.#fold(offset, value)
        this.#next = batch.next
      }
    })
    await this.#folding
  }

  #fold(offset: number, value: Uint8Array): void {
    let record: ControlRecord
    try {
      record = JSON.parse(Buffer.from(value).toString()) as ControlRecord
    } catch (error) {
      const reason = `control record ${offset}: ${messageOf(error)}`
      throw new MillraceError('RECORD_UNREADABLE', { reason }, { cause: error })
    }
    const verdict = decideControl(this.#state, record)
    if (this.#verdicts.has(record.appendId)) this.#verdicts.set(record.appendId, verdict)
    if (!verdict.accepted) return
    this.#state = foldControl(this.#state, record)
    for (const listener of this.#listeners) {
      try {
        listener(record)
      } catch (error) {
        this.#options.telemetry.log('error', 'directory-listener-failed', { error })
      }
    }
  }
}
