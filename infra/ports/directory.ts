// The directory in this process's memory. Reads are synchronous and may be a moment behind the control log; a write is
// decided by the fold, whoever else writes.
import type { AccessKey, ControlRecord, DirectoryState, Verdict } from '#schemas/directory'
import type { Closable, HealthSource } from './lifecycle.ts'

export interface Directory extends Closable, HealthSource {
  /** The fold so far; a new object after each change. */
  readonly state: DirectoryState
  /** Looks a key up by its text. */
  accessKey(text: string): AccessKey | undefined
  /** The text of a key, or null where only hashes are kept. */
  keyText(key: AccessKey): string | null
  /** Hash and sealed text for a new key. */
  sealKey(text: string): { readonly hash: string; readonly sealed: string | null }
  /** Appends a control record and waits for the fold's verdict on it. */
  write(record: Omit<ControlRecord, 'appendId' | 'time'>): Promise<Verdict>
  /** Resolves when everything in the control log at the time of the call is folded. */
  catchUp(): Promise<void>
  /** Called after each accepted record. Returns the way to stop. */
  subscribe(listener: (record: ControlRecord) => void): () => void
}
