// Builds a version's index: documents of the model's items, each with what was told of it, then of all other items that
// were told. Whoever tells items meanwhile writes to the index too, because it is listed from its first moment on; both
// merge (document.ts), so the order does not matter.
import { MillraceError } from '#ports/errors'
import type { IndexVersion, ItemRefusal } from '#ports/item-index'
import type { Telemetry } from '#ports/telemetry'
import type { IdSource } from '#schemas/ids'
import type { Model } from '#schemas/model'
import { bulkWrite, isRefused, type Write } from './bulk.ts'
import { ELASTICSEARCH_LIMITS } from './config.ts'
import { createModelReader, type ItemPart, mergeDocument } from './document.ts'
import { isMissing } from './errors.ts'
import { documentId, itemsIndex, openAlias, versionIndex, writeAlias } from './keys.ts'
import { openSettings, versionLayout } from './mappings.ts'
import { scanIndex } from './scan.ts'
import { changeOf, readTold, toBatch, versionFilter } from './told-items.ts'
import { mergeParts, type WriterDeps } from './version-writer.ts'
import { dropIndex, listVersions, type VersionIndex } from './versions.ts'

export interface BuildDeps extends WriterDeps {
  readonly prefix: string
  readonly ids: IdSource
  readonly telemetry: Telemetry
  /** Major version of the server. */
  readonly major: number
}

export interface Build {
  readonly version: IndexVersion
  readonly model: Model
  /** Nobody waits for it any more. */
  readonly isAbandoned: () => boolean
  /** The app's items were forgotten since the build was asked for, or may have been before. */
  readonly isCleared: () => boolean
}

/**
 * Makes, fills and opens the index of a version.
 * @returns null when it was abandoned; its index is gone then
 * @throws MillraceError INDEX_UNAVAILABLE, INDEX_FAILED
 */
export async function buildVersion(deps: BuildDeps, build: Build): Promise<VersionIndex | null> {
  let clears = build.isCleared() ? 1 : 0
  for (;;) {
    const index = await createIndex(deps, build, clears)
    try {
      const isFilled = await fill(deps, build, index)
      const now = isFilled ? await findIndex(deps, index.name) : undefined
      if (now === undefined) {
        await dropIndex(deps.client, index.name)
        return null
      }
      const clearsNow = Math.max(now.meta.clears, build.isCleared() ? 1 : 0)
      if (clearsNow === clears) return await openIndex(deps, now)
      // The app's items were forgotten meanwhile, and what was read before may have been written after.
      clears = clearsNow
      await dropIndex(deps.client, index.name)
    } catch (error) {
      await dropIndex(deps.client, index.name).catch(() => {})
      throw error
    }
  }
}

async function createIndex(
  { client, clock, ids, major, prefix }: BuildDeps,
  { model, version }: Build,
  clears: number,
): Promise<VersionIndex> {
  const startedAt = clock.now()
  const name = versionIndex(prefix, version.engineId, ids(startedAt))
  const isTrained = (ranking: string): boolean => !version.userDefinedRankings.includes(ranking)
  const meta = {
    version,
    indicators: model.indicators.map((indicator) => indicator.name),
    rankings: model.rankings.map((ranking) => ranking.name).filter(isTrained),
    clears,
    startedAt,
  }
  const layout = versionLayout(meta, model, major) as Record<string, unknown>
  await client.request('PUT', `/${name}`, {
    body: { ...layout, aliases: { [writeAlias(name)]: {} } },
  })
  return { name, meta, isOpen: false }
}

async function findIndex(
  { client, prefix }: BuildDeps,
  name: string,
): Promise<VersionIndex | undefined> {
  return (await listVersions(client, prefix)).find((one) => one.name === name)
}

/** @returns false when it was abandoned */
async function fill(deps: BuildDeps, build: Build, index: VersionIndex): Promise<boolean> {
  const { model, version } = build
  const read = createModelReader(model, version.userDefinedRankings)
  // Documents that are not refreshed are read from the log of the server, one by one.
  await refreshTold(deps, version.app)
  for (let row = 0; row < model.items.length; row += ELASTICSEARCH_LIMITS.bulkDocuments) {
    if (build.isAbandoned()) return false
    const items = model.items.slice(row, row + ELASTICSEARCH_LIMITS.bulkDocuments)
    const told = await readTold(deps.client, deps.prefix, version, items)
    const parts = items.map((item, i): ItemPart => {
      const { state = null, seen = false } = told[i] ?? {}
      return { item, state, seen, model: read(row + i) }
    })
    await createDocuments(deps, index, parts)
  }
  return fillOthers(deps, build, index)
}

async function refreshTold({ client, prefix }: BuildDeps, app: number): Promise<void> {
  const path = `/${itemsIndex(prefix, app)}/_refresh`
  await client.request('POST', path, { query: { ignore_unavailable: true } })
}

/** Nearly all documents are new; the few that are not are merged. */
async function createDocuments(
  deps: BuildDeps,
  index: VersionIndex,
  parts: readonly ItemPart[],
): Promise<void> {
  const writes = parts.map(
    (part): Write => ({
      action: 'create',
      meta: { _id: documentId(part.item) },
      document: mergeDocument(null, part, index.meta),
    }),
  )
  const outcomes = await bulkWrite(deps.client, writeAlias(index.name), writes, deps.clock)
  const there = parts.filter((_, i) => outcomes[i] === 'conflict')
  const { refusals } = await mergeParts(deps, index, there)
  const reasons = new Map(refusals.map(({ item, reason }) => [item, reason]))
  for (const [i, { item }] of parts.entries()) {
    const outcome = outcomes[i]
    if (isRefused(outcome)) reasons.set(item, outcome.refused)
  }
  for (const [item, reason] of reasons) tellRefused(deps, index, { item, reason })
  const left = parts.filter(({ item }) => reasons.has(item)).map(hidden)
  // A version arrives whole or not at all.
  const [ofModel] = (await mergeParts(deps, index, left)).refusals
  if (ofModel !== undefined) throw new MillraceError('INDEX_FAILED', { reason: ofModel.reason })
}

/**
 * An item of the model whose state is refused is in the version with its lists and is not shown, since no rule can look at
 * it. Its next state shows it again.
 */
function hidden(part: ItemPart): ItemPart {
  const { item } = part
  const state = { item, offset: -1, exists: false, deleted: true, properties: {} }
  return { ...part, state }
}

function tellRefused(
  { telemetry }: BuildDeps,
  { meta }: VersionIndex,
  { item, reason }: ItemRefusal,
): void {
  const { app, engineId: engine, versionId: version } = meta.version
  telemetry.log('warn', 'item-refused', { app, engine, version, item, reason })
}

/** Items that were told and are none of the model's. */
async function fillOthers(deps: BuildDeps, build: Build, index: VersionIndex): Promise<boolean> {
  const { app, primaryEvents } = build.version
  const told = itemsIndex(deps.prefix, app)
  const isOther = outside(build.model.items)
  try {
    await refreshTold(deps, app)
    const filter = versionFilter(primaryEvents)
    for await (const page of scanIndex<Parameters<typeof changeOf>[0]>(deps.client, told, filter, [
      '*',
    ])) {
      if (build.isAbandoned()) return false
      const changes = page.map(({ _source }) => changeOf(_source))
      const parts = partsOf(toBatch(changes), primaryEvents).filter(({ item }) => isOther(item))
      const { refusals } = await mergeParts(deps, index, parts)
      for (const refusal of refusals) tellRefused(deps, index, refusal)
    }
  } catch (error) {
    // Nothing was told of this app yet, or it was forgotten a moment ago.
    if (!isMissing(error)) throw error
  }
  return !build.isAbandoned()
}

/** The parts that a batch of changes has for one version. */
export function partsOf(
  { states, seen }: ReturnType<typeof toBatch>,
  primaryEvents: readonly string[],
): readonly ItemPart[] {
  const targets = new Set(primaryEvents.flatMap((event) => [...(seen.get(event) ?? [])]))
  const items = new Set([...states.keys(), ...targets])
  return [...items].map((item) => ({
    item,
    state: states.get(item) ?? null,
    seen: targets.has(item),
    model: null,
  }))
}

/** Tells whether an item is not among those of a model, which are sorted by UTF-16 unit. */
function outside(items: readonly string[]): (item: string) => boolean {
  return (item) => {
    let from = 0
    let to = items.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((items[middle] as string) < item) from = middle + 1
      else to = middle
    }
    return items[from] !== item
  }
}

async function openIndex({ client }: BuildDeps, index: VersionIndex): Promise<VersionIndex> {
  const { name } = index
  await client.request('POST', `/${name}/_forcemerge`, {
    query: { max_num_segments: 1 },
    timeoutMs: ELASTICSEARCH_LIMITS.mergeMs,
  })
  await client.request('PUT', `/${name}/_settings`, { body: openSettings() })
  await client.request('POST', `/${name}/_flush`)
  await client.request('POST', `/${name}/_refresh`)
  const action = { add: { index: name, alias: openAlias(name) } }
  await client.request('POST', '/_aliases', { body: { actions: [action] } })
  return { ...index, isOpen: true }
}
