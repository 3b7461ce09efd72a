// The item index in this process's memory: typed arrays, on the thread that answers. A search is one synchronous pass, so
// it sees all changes applied before it and none after; a version is built in slices between which searches go on.
import { MillraceError } from '#ports/errors'
import { type HeldItem, type HeldItems, type ItemPage, NOTHING_HELD } from '#ports/held-items'
import type {
  IndexVersion,
  ItemChange,
  ItemIndex,
  ItemLists,
  PublishOptions,
} from '#ports/item-index'
import type { Health } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import type { Model } from '#schemas/model'
import type { ScoredAnswer, ScoredQuery } from '#schemas/query'
import { Accumulator } from './item-index/accumulator.ts'
import { buildVersion, type OpenVersion } from './item-index/index-version.ts'
import { ItemTable } from './item-index/item-table.ts'
import { weightIn } from './item-index/postings.ts'
import { searchVersion } from './item-index/search.ts'
import { runInSlices } from './item-index/steps.ts'

/** A version being built. */
interface Build {
  readonly app: number
  /** Stops it. */
  abandoned: boolean
  /** The app's items were forgotten meanwhile, or may have been before: the model's do not count by themselves. */
  cleared: boolean
}

const keyOf = (engineId: string, versionId: string): string => `${engineId}/${versionId}`

class EmbeddedItemIndex implements ItemIndex, HeldItems {
  readonly #telemetry: Telemetry
  readonly #tables = new Map<number, ItemTable>()
  readonly #open = new Map<string, OpenVersion>()
  readonly #builds = new Map<string, Build>()
  readonly #accumulator = new Accumulator()

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  async applyItems(app: number, changes: readonly ItemChange[]): Promise<readonly []> {
    const table = this.#table(app)
    for (const change of changes) {
      if (change.type === 'seen') table.see(change.event, change.item)
      else table.applyState(change.state)
    }
    return []
  }

  async clearItems(app: number): Promise<void> {
    for (const build of this.#builds.values()) if (build.app === app) build.cleared = true
    this.#tables.get(app)?.clear()
    this.#dropUnused(app)
  }

  /** Nothing to do: a search sees what lies in memory. */
  async refresh(): Promise<void> {}

  async publish(
    version: IndexVersion,
    model: Model,
    { onlyTold = false }: PublishOptions = {},
  ): Promise<void> {
    const key = keyOf(version.engineId, version.versionId)
    const earlier = this.#builds.get(key)
    if (earlier !== undefined) earlier.abandoned = true
    const build: Build = { app: version.app, abandoned: false, cleared: onlyTold }
    this.#builds.set(key, build)
    const table = this.#table(version.app)
    const built = await runInSlices(buildVersion(version, model, table), () => build.abandoned)
    if (build.abandoned || built === null) {
      built?.documents.detach()
      throw new MillraceError('INDEX_VERSION_UNKNOWN', { version: key })
    }
    this.#builds.delete(key)
    if (build.cleared) built.documents.forgetModelItems()
    this.#replace(key, built)
    this.#telemetry.log('info', 'index-version-opened', {
      engine: version.engineId,
      version: version.versionId,
      items: model.items.length,
    })
  }

  async retire(engineId: string, versionId: string): Promise<void> {
    const key = keyOf(engineId, versionId)
    const build = this.#builds.get(key)
    if (build !== undefined) build.abandoned = true
    this.#builds.delete(key)
    this.#replace(key, null)
  }

  versions(): readonly IndexVersion[] {
    return [...this.#open.values()].map(({ version }) => version)
  }

  async search(engineId: string, versionId: string, query: ScoredQuery): Promise<ScoredAnswer> {
    return searchVersion(this.#find(engineId, versionId), query, this.#accumulator)
  }

  async lists(
    engineId: string,
    versionId: string,
    items: readonly string[],
  ): Promise<readonly ItemLists[]> {
    const open = this.#find(engineId, versionId)
    return items.flatMap((item) => listsOf(open, item) ?? [])
  }

  heldItems(app: number, items: readonly string[], events: readonly string[]): readonly HeldItem[] {
    const table = this.#tables.get(app)
    return items.map((item): HeldItem => {
      const number = table?.find(item)
      if (table === undefined || number === undefined) {
        return { item, offset: -1, content: NOTHING_HELD }
      }
      const seen = events.filter((event) => table.wasSeen(event, number))
      const content = [table.deleted.has(number), table.properties(number), seen]
      return { item, offset: table.offset(number), content: JSON.stringify(content) }
    })
  }

  listItems(app: number, from: number, limit: number): ItemPage {
    const ids = this.#tables.get(app)?.ids ?? []
    const next = from + limit < ids.length ? from + limit : null
    return { items: ids.slice(from, from + limit), next }
  }

  async health(): Promise<Health> {
    const items = [...this.#tables.values()].reduce((sum, table) => sum + table.size, 0)
    const detail = `${this.#open.size} model versions over ${items} items in memory.`
    return { name: 'index', status: 'ok', detail }
  }

  async close(): Promise<void> {
    for (const build of this.#builds.values()) build.abandoned = true
    this.#builds.clear()
    for (const key of [...this.#open.keys()]) this.#replace(key, null)
    this.#tables.clear()
  }

  #table(app: number): ItemTable {
    let table = this.#tables.get(app)
    if (table === undefined) {
      table = new ItemTable()
      this.#tables.set(app, table)
    }
    return table
  }

  /** An app without versions has no use for the numbers of items it forgot. */
  #dropUnused(app: number): void {
    const used = [...this.#builds.values(), ...[...this.#open.values()].map((o) => o.version)]
    if (used.every((user) => user.app !== app)) this.#tables.delete(app)
  }

  #replace(key: string, open: OpenVersion | null): void {
    this.#open.get(key)?.documents.detach()
    if (open === null) this.#open.delete(key)
    else this.#open.set(key, open)
  }

  #find(engineId: string, versionId: string): OpenVersion {
    const key = keyOf(engineId, versionId)
    const found = this.#open.get(key)
    if (found === undefined) throw new MillraceError('INDEX_VERSION_UNKNOWN', { version: key })
    return found
  }
}

/** The lists of one item of the model, null when it is none. */
function listsOf(
  { table, rows, postings, documents }: OpenVersion,
  item: string,
): ItemLists | null {
  const number = table.find(item)
  const row = number === undefined ? -1 : (rows.rowOf[number] ?? -1)
  if (number === undefined || row < 0 || !documents.has(number)) return null
  const lists = [...postings.values()].map((indicator) => {
    const from = indicator.rowStart[row] as number
    const terms = indicator.rowTerm.subarray(from, indicator.rowStart[row + 1] as number)
    return {
      indicator: indicator.name,
      ids: Array.from(terms, (term) => indicator.terms[term] as string),
      weights: Array.from(terms, (term) => weightIn(indicator, term, number)),
    }
  })
  return { item, lists }
}

/** Opens an empty index: versions are published and items told again by each start of the process. */
export function createItemIndex(options: { readonly telemetry: Telemetry }): ItemIndex & HeldItems {
  return new EmbeddedItemIndex(options.telemetry)
}
