// The directory without a log: a record is decided and folded at once, one turn of the event loop after the call.
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import type { ControlRecord } from '#schemas/directory'
import { decideControl, EMPTY_DIRECTORY, foldControl } from '#schemas/directory-fold'

export function createMemoryDirectory(options: { clock: Clock }): Directory {
  let state = EMPTY_DIRECTORY
  let written = 0
  const listeners = new Set<(record: ControlRecord) => void>()
  const hashOf = (text: string): string => `hash-of-${text}`
  return {
    get state() {
      return state
    },
    accessKey: (text) => state.keys.get(hashOf(text)),
    keyText: (key) => key.sealed,
    sealKey: (text) => ({ hash: hashOf(text), sealed: text }),
    async write(record) {
      const whole = { appendId: `append-${written++}`, time: options.clock.now(), ...record }
      await new Promise((resolve) => setImmediate(resolve))
      const verdict = decideControl(state, whole)
      if (verdict.accepted) {
        state = foldControl(state, whole)
        for (const listener of listeners) listener(whole)
      }
      return verdict
    },
    catchUp: async () => {},
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    health: async () => ({ name: 'directory', status: 'ok', detail: 'In memory.' }),
    close: async () => {},
  }
}
