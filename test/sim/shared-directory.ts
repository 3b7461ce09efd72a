// The control log and a process's view of it: a view may be a moment behind, a write may be accepted and its answer lost.
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { ControlRecord, Verdict } from '#schemas/directory'
import { decideControl, EMPTY_DIRECTORY, foldControl } from '#schemas/directory-fold'
import type { Faults } from './faults.ts'
import type { Life, Scheduler } from './scheduler.ts'

export interface ControlLog {
  readonly records: ControlRecord[]
  /** Told of each record behind the ones that were there. */
  readonly followers: Set<() => void>
}

export const createControlLog = (): ControlLog => ({ records: [], followers: new Set() })

export const hashOfKey = (text: string): string => `hash-of-${text}`

export interface SharedDirectoryOptions {
  readonly control: ControlLog
  readonly clock: Clock
  readonly life: Life
  readonly scheduler: Scheduler
  readonly faults: Faults
}

export function createSharedDirectory(options: SharedDirectoryOptions): Directory {
  const { control, clock, life, scheduler, faults } = options
  const listeners = new Set<(record: ControlRecord) => void>()
  let state = EMPTY_DIRECTORY
  let folded = 0
  const lost = new MillraceError('LOG_UNAVAILABLE', { reason: 'the connection broke' })
  const gate = (label: string): Promise<void> => scheduler.gate(life, `directory.${label}`)

  function foldTo(end: number): Verdict | null {
    let verdict: Verdict | null = null
    for (; folded < end; folded++) {
      const record = control.records[folded] as ControlRecord
      verdict = decideControl(state, record)
      if (!verdict.accepted) continue
      state = foldControl(state, record)
      for (const listener of listeners) listener(record)
    }
    return verdict
  }
  const follow = (): void => {
    void gate('follow').then(() => foldTo(control.records.length))
  }
  control.followers.add(follow)
  life.ended.addEventListener('abort', () => control.followers.delete(follow), { once: true })
  return {
    get state() {
      return state
    },
    accessKey: (text) => state.keys.get(hashOfKey(text)),
    keyText: (key) => key.sealed,
    sealKey: (text) => ({ hash: hashOfKey(text), sealed: text }),
    async write(record) {
      const [change] = record.changes
      await gate(`write ${change?.type}`)
      if (faults.happens('failedControl')) throw lost
      const appendId = `control-${control.records.length}`
      control.records.push({ appendId, time: clock.now(), ...record })
      const place = control.records.length
      for (const follower of control.followers) follower()
      await gate(`written ${change?.type}`)
      if (faults.happens('failedControl')) throw lost
      const known = verdictAt(control, place)
      foldTo(Math.max(folded, place))
      return known
    },
    async catchUp() {
      await gate('catch up')
      foldTo(control.records.length)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    health: async () => ({ name: 'directory', status: 'ok', detail: 'In memory.' }),
    close: async () => {},
  }
}

/** The fold's word on the record that ends at `place`. */
function verdictAt({ records }: ControlLog, place: number): Verdict {
  let state = EMPTY_DIRECTORY
  let verdict: Verdict = { accepted: true }
  for (const record of records.slice(0, place)) {
    verdict = decideControl(state, record)
    if (verdict.accepted) state = foldControl(state, record)
  }
  return verdict
}

/** The directory as the whole control log makes it. */
export function directoryOf({ records }: ControlLog) {
  let state = EMPTY_DIRECTORY
  for (const record of records) {
    if (decideControl(state, record).accepted) state = foldControl(state, record)
  }
  return state
}
