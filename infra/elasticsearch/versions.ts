// Which versions there are: the indexes themselves say it, in their `_meta` and aliases, so every process sees the same and
// a restart forgets nothing. A version is open when its index has the alias for it; of several builds of one version that
// are, the latest counts.
import type { IndexVersion } from '#ports/item-index'
import type { ElasticsearchClient } from './client.ts'
import { isMissing } from './errors.ts'
import { openAlias, versionIndexes } from './keys.ts'

/** Kept as `_meta` in the mapping of a version's index. */
export interface VersionMeta {
  readonly version: IndexVersion
  /** Names of the model's indicators: a term tells one by its place here. */
  readonly indicators: readonly string[]
  /** Names of the trained rankings. */
  readonly rankings: readonly string[]
  /** How often the app's items were forgotten since it was made; from the first time on the model makes no documents. */
  readonly clears: number
  /** Wall clock, milliseconds. */
  readonly startedAt: number
}

export interface VersionIndex {
  readonly name: string
  readonly meta: VersionMeta
  readonly isOpen: boolean
}

type Listing = Readonly<
  Record<string, { aliases?: Record<string, unknown>; mappings?: { _meta?: VersionMeta } }>
>

/** All versions of the installation, those being built too, the latest build first. Asks Elasticsearch. */
export async function listVersions(
  client: ElasticsearchClient,
  prefix: string,
): Promise<readonly VersionIndex[]> {
  const found = await client.request<Listing>('GET', `/${versionIndexes(prefix)}`, {
    query: { filter_path: '*.aliases,*.mappings._meta', allow_no_indices: true },
  })
  return Object.entries(found)
    .flatMap(([name, { aliases = {}, mappings }]) => {
      const meta = mappings?._meta
      return meta === undefined ? [] : [{ name, meta, isOpen: openAlias(name) in aliases }]
    })
    .sort((a, b) => (a.name < b.name ? 1 : -1))
}

export const keyOf = (engineId: string, versionId: string): string => `${engineId}/${versionId}`

/** The build that answers for each version. */
export function openVersions(all: readonly VersionIndex[]): Map<string, VersionIndex> {
  const open = new Map<string, VersionIndex>()
  for (const one of all) {
    const { engineId, versionId } = one.meta.version
    const key = keyOf(engineId, versionId)
    if (one.isOpen && !open.has(key)) open.set(key, one)
  }
  return open
}

/** Drops an index; one that is not there is fine. */
export async function dropIndex(client: ElasticsearchClient, name: string): Promise<void> {
  try {
    await client.request('DELETE', `/${name}`)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
