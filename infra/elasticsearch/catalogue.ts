// The versions as this process knows them, looked up anew whenever something seems to be missing: another process may have
// made or dropped one.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import { isMissing } from './errors.ts'
import { dropIndex, keyOf, listVersions, openVersions, type VersionIndex } from './versions.ts'

export interface Catalogue {
  /** The builds that answer, as last seen. */
  open(): readonly VersionIndex[]
  /** Asks Elasticsearch; answers with builds under way too. */
  look(): Promise<readonly VersionIndex[]>
  /** A build of this process answers from now on; others of its version go. */
  replace(index: VersionIndex): Promise<void>
  /** Drops a version and all builds of it. */
  remove(engineId: string, versionId: string): Promise<void>
  /**
   * Does something with the build that answers for a version.
   * @throws MillraceError INDEX_VERSION_UNKNOWN, and those of `work`
   */
  use<T>(engineId: string, versionId: string, work: (index: VersionIndex) => Promise<T>): Promise<T>
  /** Drops builds that nobody works at any more, and those that a later one has replaced. */
  dropLeftovers(): Promise<void>
  close(): void
}

export interface CatalogueOptions {
  readonly client: ElasticsearchClient
  readonly prefix: string
  readonly clock: Clock
  readonly onDropped: (name: string) => void
}

export const unknownVersion = (version: string): MillraceError =>
  new MillraceError('INDEX_VERSION_UNKNOWN', { version })

export function createCatalogue(options: CatalogueOptions): Catalogue {
  const { client, clock, prefix } = options
  let open = new Map<string, VersionIndex>()
  let isClosed = false

  const look = async (): Promise<readonly VersionIndex[]> => {
    const all = await listVersions(client, prefix)
    if (!isClosed) open = openVersions(all)
    return all
  }
  const drop = async ({ name }: VersionIndex): Promise<void> => {
    await dropIndex(client, name)
    options.onDropped(name)
  }
  const buildsOf = async (key: string): Promise<readonly VersionIndex[]> => {
    const all = await listVersions(client, prefix)
    return all.filter(({ meta }) => keyOf(meta.version.engineId, meta.version.versionId) === key)
  }

  return {
    open: () => [...open.values()],
    look,
    async replace(index) {
      const { engineId, versionId } = index.meta.version
      const key = keyOf(engineId, versionId)
      open.set(key, index)
      for (const other of await buildsOf(key)) {
        if (other.isOpen && other.name !== index.name) await drop(other)
      }
    },
    async remove(engineId, versionId) {
      const key = keyOf(engineId, versionId)
      open.delete(key)
      for (const index of await buildsOf(key)) await drop(index)
    },
    async use(engineId, versionId, work) {
      const key = keyOf(engineId, versionId)
      for (let looked = false; ; looked = true) {
        const index = open.get(key)
        try {
          if (index !== undefined) return await work(index)
        } catch (error) {
          if (!isMissing(error)) throw error
        }
        if (looked || isClosed) throw unknownVersion(key)
        await look()
      }
    },
    async dropLeftovers() {
      const all = await look()
      const answering = new Set([...open.values()].map(({ name }) => name))
      for (const index of all) {
        const age = clock.now() - index.meta.startedAt
        const isOld = age > ELASTICSEARCH_LIMITS.buildMs
        if (index.isOpen ? !answering.has(index.name) : isOld) await drop(index)
      }
    },
    close: () => {
      isClosed = true
      open.clear()
    },
  }
}
