// Refreshes what was written, at most every 200 ms: a refresh costs the server tens of milliseconds, whatever it makes
// visible. Callers that come while one is waited for share it.
import type { Clock } from '#ports/clock'
import type { ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import { isMissing } from './errors.ts'

export interface Refresher {
  /** The index was written to. */
  wrote(index: string): void
  /** Resolves when searches see everything written before the call. @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED */
  refresh(): Promise<void>
}

export function createRefresher(
  client: ElasticsearchClient,
  clock: Clock,
  onRefreshed: () => void,
): Refresher {
  const written = new Set<string>()
  let last = Number.NEGATIVE_INFINITY
  let waiting: Promise<void> | null = null
  let running: Promise<void> = Promise.resolve()

  async function run(): Promise<void> {
    await running.catch(() => {})
    const wait = last + ELASTICSEARCH_LIMITS.refreshEveryMs - clock.monotonic()
    if (wait > 0) await clock.sleep(wait)
    waiting = null
    running = refreshNow()
    await running
  }

  async function refreshNow(): Promise<void> {
    last = clock.monotonic()
    const names = [...written]
    written.clear()
    await Promise.all(names.map(refreshIndex))
    onRefreshed()
  }

  async function refreshIndex(name: string): Promise<void> {
    try {
      await client.request('POST', `/${name}/_refresh`)
    } catch (error) {
      if (isMissing(error)) return
      written.add(name)
      throw error
    }
  }

  return {
    wrote: (index) => {
      written.add(index)
    },
    refresh: async () => {
      if (written.size === 0) return running
      waiting ??= run()
      return waiting
    },
  }
}
