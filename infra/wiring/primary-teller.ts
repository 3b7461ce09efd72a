// Keeps the store thread and the index sink told of whose targets are items, as engines come and go.
import type { Directory } from '#ports/directory'
import type { IndexSink } from '../../streams/index-sink.ts'
import { primaryEvents } from './primary-events.ts'
import type { ToThread } from './streams-messages.ts'

export interface PrimaryTeller {
  tell(say: (message: ToThread) => void): void
  /** Looks at the directory again. */
  renew(): void
  wasSet(revision: number): void
}

/**
 * Keeps the store thread told of primary events. The targets of a new one are loaded from the store when the thread has
 * heard of it: what it applies from then on it tells, what it applied before is in the store.
 */
export function createPrimaryTeller(
  directory: Directory,
  index: IndexSink,
  say: (message: ToThread) => void,
): PrimaryTeller {
  let known = primaryEvents(directory.state)
  let revision = 0
  const toLoad = new Map<number, (readonly [app: number, event: string])[]>()
  const message = (): ToThread => ({
    type: 'primary',
    revision,
    apps: [...known].map(([app, events]) => [app, [...events]] as const),
  })
  return {
    tell: (sayToThread) => sayToThread(message()),
    renew: () => {
      const now = primaryEvents(directory.state)
      const added = [...now].flatMap(([app, events]) =>
        [...events]
          .filter((event) => !known.get(app)?.has(event))
          .map((event) => [app, event] as const),
      )
      known = now
      if (added.length === 0) return
      revision++
      toLoad.set(revision, added)
      say(message())
    },
    wasSet: (reached) => {
      for (const [at, events] of [...toLoad]) {
        if (at > reached) continue
        toLoad.delete(at)
        for (const [app, event] of events) void index.loadTargets(app, event)
      }
    },
  }
}
