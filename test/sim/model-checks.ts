// What has to hold of models at rest: the version that answers was made of exactly the events below its watermark, the index
// has its lists, and no cancelled training went live.
import { isDeepStrictEqual } from 'node:util'
import { asMillraceError } from '#ports/errors'
import { silentTelemetry } from '#ports/telemetry'
import type { Engine, ModelVersion } from '#schemas/directory'
import { effective } from '#schemas/effective'
import { onThisThread } from '../../batch/algorithms/correlate.ts'
import { trainUniversal } from '../../batch/engines/universal/local.ts'
import { createModels } from '../../infra/archive/models.ts'
import { archiveOf, listsOf } from '../support/training.ts'
import type { Host } from './host.ts'
import { directoryOf } from './shared-directory.ts'
import type { World } from './world.ts'

export async function checkModels(world: World): Promise<void> {
  for (const engine of directoryOf(world.control).engines.values()) {
    const active = engine.versions.find(({ id }) => id === engine.activeVersion)
    if (active !== undefined) await checkModel(world, engine, active)
    checkCancelled(world, engine)
  }
}

async function checkModel(world: World, engine: Engine, version: ModelVersion): Promise<void> {
  const { watermark } = version
  if (watermark === null) {
    world.wrong('models', `${version.id} answers and has no watermark`)
    return
  }
  const { files, events } = world
  const models = createModels({ files, telemetry: silentTelemetry })
  const found = await models.read(engine.id, version.id).catch((error: unknown) => {
    world.wrong(
      'models',
      `${version.id} answers and cannot be read: ${asMillraceError(error).message}`,
    )
  })
  if (found === undefined) return
  const { manifest, model } = found
  if (!isDeepStrictEqual(manifest.watermark, watermark)) {
    world.wrong('models', `${version.id} was made at another place than the directory says`)
  }
  const its = Array.from({ length: events.partitions }, (_, p) =>
    effective(
      world
        .records(p)
        .slice(0, watermark.offsets[p])
        .filter((placed) => placed !== null),
    ),
  )
  const told = its
    .flat()
    .filter(({ record: { app, channel } }) => app === engine.appId && channel === 0)
    .map(({ record: { event } }) => ({
      event: event.event,
      entityType: event.entityType,
      entityId: event.entityId,
      ...(event.targetEntityType !== null && { targetEntityType: event.targetEntityType }),
      ...(event.targetEntityId !== null && { targetEntityId: event.targetEntityId }),
      eventTime: new Date(event.eventTime).toISOString(),
    }))
  const { asOf } = manifest
  const again = await trainUniversal(
    {
      ...{ app: engine.appId, appName: '', engineId: engine.id, versionId: version.id, asOf },
      ...{ factory: engine.factory, variant: version.variant, watermark },
    },
    {
      archive: archiveOf(told),
      clock: world.scheduler.clock,
      correlate: onThisThread,
      progress: () => {},
    },
  )
  if (again.counts.events !== manifest.counts.events) {
    const counts = `${manifest.counts.events} events and not ${again.counts.events}`
    world.wrong('models', `${version.id} was made of ${counts}`)
  } else if (!isDeepStrictEqual(again.model, model)) {
    world.wrong('models', `${version.id} is not what its events give`)
  }
}

/** The index has the lists of the model whose version it answers for. */
export async function checkLists(world: World, host: Host): Promise<void> {
  const models = createModels({ files: world.files, telemetry: silentTelemetry })
  for (const { id, activeVersion } of directoryOf(world.control).engines.values()) {
    const isThere = host.told.versions().some(({ versionId }) => versionId === activeVersion)
    if (activeVersion === null || !isThere) continue
    const { model } = await models.read(id, activeVersion)
    const wanted = Object.entries(listsOf(model)).flatMap(([item, lists]) =>
      Object.entries(lists).map(([name, list]) => `${item}/${name}: ${list.map(([to]) => to)}`),
    )
    const given = (await host.told.inside.lists(id, activeVersion, model.items)).flatMap(
      ({ item, lists }) =>
        lists
          .filter(({ ids }) => ids.length > 0)
          .map(({ indicator, ids }) => `${item}/${indicator}: ${ids}`),
    )
    // Items that were forgotten with their data have none; the others have all of theirs.
    if (given.every((list) => wanted.includes(list))) continue
    const name = `version ${activeVersion}`
    world.wrong('models', `the index of ${host.life.name} has other lists for ${name}`)
  }
}

/** A training that was cancelled never answers. */
function checkCancelled(world: World, engine: Engine): void {
  for (const { id, state, checkpoint } of world.queue.jobs) {
    if (state !== 'cancelled' && state !== 'failed') continue
    const version = engine.versions.find((one) => one.id === checkpoint?.versionId)
    if (version === undefined || !['active', 'previous'].includes(version.status)) continue
    world.wrong('versions', `${id} is ${state} and its version ${version.id} is ${version.status}`)
  }
}
