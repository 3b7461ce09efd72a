// The item index over Elasticsearch, 8 and 9. One index a version, so a version comes and goes whole; what was told of items
// is kept once an app beside them (mappings.ts draws both). Any number of processes may tell, build and search.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { IndexVersion, ItemChange, ItemIndex, PublishOptions } from '#ports/item-index'
import type { Health } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import type { IdSource } from '#schemas/ids'
import type { Model } from '#schemas/model'
import { buildVersion, partsOf } from './build.ts'
import { type Catalogue, createCatalogue, unknownVersion } from './catalogue.ts'
import { connect, type ElasticsearchClient } from './client.ts'
import { ELASTICSEARCH_LIMITS, elasticsearchConfig } from './config.ts'
import { openError } from './errors.ts'
import { forgetItems } from './forget.ts'
import { readLists } from './lists.ts'
import { createRefresher } from './refresher.ts'
import { searchVersion } from './search.ts'
import { createStatistics, type Statistics } from './statistics.ts'
import { keepBatch, toBatch } from './told-items.ts'
import { mergeParts } from './version-writer.ts'
import { dropIndex, keyOf } from './versions.ts'

export interface ElasticsearchItemIndexOptions {
  readonly url: string
  readonly prefix: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly ids: IdSource
}

/** The oldest server that was tried, and the newest major version. */
const OLDEST = { major: 8, minor: 15 }
const NEWEST_MAJOR = 9

/**
 * Opens the item index; versions that are there already answer at once.
 * @throws MillraceError CONFIG_INVALID, SERVER_UNREACHABLE, SERVER_REFUSED, SERVER_VERSION
 */
export async function openItemIndex(options: ElasticsearchItemIndexOptions): Promise<ItemIndex> {
  const config = elasticsearchConfig(options.url, options.prefix)
  const client = await connect(config)
  try {
    const { major, version } = await serverVersion(client, config.node)
    const { clock, prefix } = options
    const statistics = createStatistics(client, () => clock.monotonic())
    const onDropped = (name: string): void => statistics.forget(name)
    const catalogue = createCatalogue({ client, clock, prefix, onDropped })
    await catalogue.dropLeftovers()
    options.telemetry.log('info', 'index-opened', { address: config.node, version })
    return createItemIndex({ ...options, client, catalogue, statistics, major })
  } catch (error) {
    await client.close()
    throw openError(error, config.node)
  }
}

async function serverVersion(client: ElasticsearchClient, address: string) {
  const { nodes } = await client.request<{ nodes: Record<string, { version: string }> }>(
    'GET',
    '/_nodes/_local',
    { query: { filter_path: 'nodes.*.version' }, timeoutMs: ELASTICSEARCH_LIMITS.searchMs },
  )
  const version = Object.values(nodes)[0]?.version ?? 'unknown'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)
  if (isOld || !(major <= NEWEST_MAJOR)) {
    const known = `Elasticsearch ${OLDEST.major}.${OLDEST.minor} to ${NEWEST_MAJOR}.x`
    throw new MillraceError('SERVER_VERSION', { port: 'index', address, found: version, known })
  }
  return { major, version }
}

interface Parts extends ElasticsearchItemIndexOptions {
  readonly client: ElasticsearchClient
  readonly catalogue: Catalogue
  readonly statistics: Statistics
  /** Major version of the server. */
  readonly major: number
}

function createItemIndex(parts: Parts): ItemIndex {
  const { catalogue, client, clock, prefix, statistics } = parts
  const refresher = createRefresher(client, clock, () => statistics.refreshed())
  // Whoever wrote last may have died before its refresh.
  for (const { name } of catalogue.open()) refresher.wrote(name)
  const builder = createBuilder(parts)
  let isClosed = false
  return {
    async applyItems(app: number, changes: readonly ItemChange[]) {
      const {
        batch,
        refusals: unkept,
        done,
      } = await keepBatch(parts, prefix, app, toBatch(changes))
      if (batch.states.size === 0 && batch.seen.size === 0) return unkept
      // Asked for behind the writes above: a build that is not listed now reads what they wrote.
      const versions = (await catalogue.look()).filter(({ meta }) => meta.version.app === app)
      const merged = await Promise.all(
        versions.map(async (version) => {
          const itemParts = partsOf(batch, version.meta.version.primaryEvents)
          const { refusals, wrote } = await mergeParts(parts, version, itemParts)
          if (wrote) refresher.wrote(version.name)
          return refusals
        }),
      )
      await done()
      // One item may be refused in several versions, and is told once.
      const all = [...unkept, ...merged.flat()]
      return [...new Map(all.map((refusal) => [refusal.item, refusal])).values()]
    },
    async clearItems(app: number) {
      builder.clear(app)
      for (const name of await forgetItems(parts, prefix, app)) refresher.wrote(name)
    },
    refresh: () => refresher.refresh(),
    publish: (version, model, options) => builder.publish(version, model, options),
    async retire(engineId: string, versionId: string) {
      builder.abandon(engineId, versionId)
      await catalogue.remove(engineId, versionId)
    },
    versions: () => catalogue.open().map(({ meta }) => meta.version),
    search: (engineId, versionId, query) =>
      catalogue.use(engineId, versionId, (index) => searchVersion(parts, index, query)),
    lists: (engineId, versionId, items) =>
      catalogue.use(engineId, versionId, (index) => readLists(client, index, items)),
    health: () => healthOf(client, catalogue.open().length),
    async close() {
      if (isClosed) return
      isClosed = true
      builder.close()
      catalogue.close()
      await client.close()
    },
  }
}

/** A build of this process that somebody waits for. */
interface Waited {
  readonly app: number
  abandoned: boolean
  /** The app's items were forgotten since it began, or may have been before. */
  cleared: boolean
}

/** Of two publishes of one version the later counts. */
function createBuilder(parts: Parts) {
  const { catalogue, client, telemetry } = parts
  const builds = new Map<string, Waited>()
  const abandon = (engineId: string, versionId: string): void => {
    const build = builds.get(keyOf(engineId, versionId))
    if (build !== undefined) build.abandoned = true
  }
  return {
    abandon,
    clear: (app: number): void => {
      for (const build of builds.values()) if (build.app === app) build.cleared = true
    },
    close: (): void => {
      for (const build of builds.values()) build.abandoned = true
    },
    async publish(version: IndexVersion, model: Model, options?: PublishOptions): Promise<void> {
      const { app, engineId, versionId } = version
      const key = keyOf(engineId, versionId)
      abandon(engineId, versionId)
      const build: Waited = {
        app,
        abandoned: false,
        cleared: options?.onlyTold === true,
      }
      builds.set(key, build)
      try {
        const index = await buildVersion(parts, {
          version,
          model,
          isAbandoned: () => build.abandoned,
          isCleared: () => build.cleared,
        })
        if (index === null) throw unknownVersion(key)
        if (build.abandoned) {
          await dropIndex(client, index.name)
          throw unknownVersion(key)
        }
        await catalogue.replace(index)
      } finally {
        if (builds.get(key) === build) builds.delete(key)
      }
      const items = model.items.length
      telemetry.log('info', 'index-version-opened', { engine: engineId, version: versionId, items })
    },
  }
}

async function healthOf(client: ElasticsearchClient, versions: number): Promise<Health> {
  const name = 'index'
  try {
    const { status } = await client.request<{ status: string }>('GET', '/_cluster/health', {
      query: { filter_path: 'status' },
      timeoutMs: ELASTICSEARCH_LIMITS.searchMs,
    })
    const detail = `${versions} model versions in Elasticsearch, which is ${status}.`
    if (status !== 'red') return { name, status: 'ok', detail }
    return { name, status: 'failed', detail, hint: 'See GET /_cluster/allocation/explain.' }
  } catch (error) {
    const { message, hint } = error as MillraceError
    return { name, status: 'failed', detail: message, hint }
  }
}
