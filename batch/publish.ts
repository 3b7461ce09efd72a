// From a model in files to the version that answers, and back: publishing, switching, rolling back, retiring.
import type { Clock } from '#ports/clock'
import type { Directory } from '#ports/directory'
import { MillraceError } from '#ports/errors'
import type { IndexVersion, ItemIndex } from '#ports/item-index'
import type { Models } from '#ports/models'
import type { Telemetry } from '#ports/telemetry'
import type { Engine, ModelVersion } from '#schemas/directory'
import { parseUniversal } from '#schemas/engines/universal-parse'
import type { JsonObject } from '#schemas/json'
import type { Model } from '#schemas/model'
import { engineOf, versionOf, writeChange } from './version-records.ts'

export interface PublishDeps {
  readonly directory: Directory
  readonly models: Models
  readonly index: ItemIndex
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** A version that no longer answers stays this long for the queries that began on it. */
export const RETIRE_AFTER_MS = 60_000

/**
 * Loads a model from files into the index and checks that it arrived whole. Nothing answers from it yet. An `old` model may
 * have items whose data were deleted since: those stay away.
 */
export async function publishVersion(
  { models, index }: Pick<PublishDeps, 'models' | 'index'>,
  engine: Pick<Engine, 'id' | 'appId'>,
  version: Pick<ModelVersion, 'id' | 'variant'>,
  { old = false }: { readonly old?: boolean } = {},
): Promise<void> {
  const { model } = await models.read(engine.id, version.id)
  await index.publish(indexVersionOf(engine, version), model, { onlyTold: old })
  await checkPublished(index, engine.id, version.id, model, old)
}

export function isLoaded(index: ItemIndex, engineId: string, versionId: string): boolean {
  return index.versions().some((v) => v.engineId === engineId && v.versionId === versionId)
}

function indexVersionOf(
  engine: Pick<Engine, 'id' | 'appId'>,
  { id, variant }: Pick<ModelVersion, 'id' | 'variant'>,
): IndexVersion {
  const { indicators, rankings } = parseUniversal(variant)
  const live = rankings.filter(({ type }) => type === 'userDefined')
  return {
    app: engine.appId,
    engineId: engine.id,
    versionId: id,
    primaryEvents: indicators[0].events,
    userDefinedRankings: live.map(({ name }) => name),
  }
}

/** Items whose lists are read back: spread over all of them. */
const SAMPLE = 100

/** Reads lists of some items back from the index; `mayLack` items that are none any more. @throws MillraceError INTERNAL when they are not the model's */
async function checkPublished(
  index: ItemIndex,
  engineId: string,
  versionId: string,
  model: Model,
  mayLack: boolean,
): Promise<void> {
  const step = Math.max(1, Math.floor(model.items.length / SAMPLE))
  const rows = Array.from(model.items.keys()).filter((row) => row % step === 0)
  const wanted = new Map(rows.map((row) => [model.items[row] as string, entriesOf(model, row)]))
  const found = await index.lists(engineId, versionId, [...wanted.keys()])
  const items = new Set(found.map(({ item }) => item))
  for (const item of wanted.keys()) if (mayLack && !items.has(item)) wanted.delete(item)
  for (const { item, lists } of found) {
    const entries = lists.reduce((sum, { ids }) => sum + ids.length, 0)
    if (entries === wanted.get(item)) wanted.delete(item)
  }
  // An item without a list need not be answered for.
  const missing = [...wanted].filter(([, entries]) => entries > 0)
  if (missing.length > 0) {
    const reason = `the index lacks the lists of ${missing.length} of ${rows.length} items looked at`
    throw new MillraceError('INTERNAL', { reason })
  }
}

function entriesOf(model: Model, row: number): number {
  return model.indicators.reduce(
    (sum, { starts }) => sum + (starts[row + 1] as number) - (starts[row] as number),
    0,
  )
}

/** Makes a version in the index the one that answers. */
export async function activateVersion(
  { directory }: Pick<PublishDeps, 'directory'>,
  engineId: string,
  versionId: string,
  summary: JsonObject | null,
): Promise<void> {
  await writeChange(directory, engineId, {
    type: 'version-activated',
    engineId,
    versionId,
    summary,
  })
}

/**
 * Goes back to an older version: the one named, else the one that answered before.
 * @returns the version that answers now
 * @throws MillraceError ENGINE_NOT_FOUND, VERSION_NOT_FOUND, NO_ROLLBACK, MODEL_CORRUPT
 */
export async function rollBack(
  deps: PublishDeps,
  engineId: string,
  versionId: string | null,
): Promise<string> {
  const { directory, index } = deps
  await directory.catchUp()
  const engine = engineOf(directory.state, engineId)
  if (versionId !== null && versionId === engine.activeVersion) return versionId
  const version = rollbackTarget(engine, versionId)
  if (!isLoaded(index, engineId, version.id))
    await publishVersion(deps, engine, version, { old: true })
  await activateVersion(deps, engineId, version.id, null)
  return version.id
}

function rollbackTarget(engine: Engine, versionId: string | null): ModelVersion {
  const withModel = (version: ModelVersion): boolean =>
    version.status === 'previous' || version.status === 'archived'
  if (versionId === null) {
    const previous = engine.versions.find(({ status }) => status === 'previous')
    const target = previous ?? engine.versions.find(withModel)
    if (target === undefined) throw new MillraceError('NO_ROLLBACK', { engine: engine.id })
    return target
  }
  const named = versionOf(engine, versionId)
  if (named === undefined || !withModel(named)) {
    throw new MillraceError('VERSION_NOT_FOUND', { engine: engine.id, version: versionId })
  }
  return named
}

/** Removes the model files that the directory no longer knows: it keeps the last three. */
export async function removeOldModels(
  { directory, models }: Pick<PublishDeps, 'directory' | 'models'>,
  engineId: string,
): Promise<void> {
  const engine = directory.state.engines.get(engineId)
  for (const { versionId } of await models.list(engineId)) {
    const status = versionOf(engine, versionId)?.status
    if (status === undefined || status === 'failed' || status === 'cancelled') {
      await models.remove(engineId, versionId)
    }
  }
}

/** Drops an engine's index versions that are neither active nor previous nor just being made. */
export async function retireOldVersions(
  { directory, index }: Pick<PublishDeps, 'directory' | 'index'>,
  engineId: string,
): Promise<void> {
  const engine = directory.state.engines.get(engineId)
  for (const version of index.versions()) {
    if (version.engineId !== engineId) continue
    const status = versionOf(engine, version.versionId)?.status
    if (status !== 'active' && status !== 'previous' && status !== 'open') {
      await index.retire(engineId, version.versionId)
    }
  }
}
