// A version that answers from the beginning: trained once on the first events, for any number of partitions, and then put
// into the files of each run that wants it.
import type { Files } from '#ports/files'
import { silentTelemetry } from '#ports/telemetry'
import type { Watermark } from '#schemas/position'
import { onThisThread } from '../../batch/algorithms/correlate.ts'
import { trainUniversal } from '../../batch/engines/universal/local.ts'
import { createModels } from '../../infra/archive/models.ts'
import { createMemoryFiles } from '../support/memory/files.ts'
import { archiveOf } from '../support/training.ts'
import { eventsOf } from './reference.ts'
import { ENGINE, SHOP, VARIANT, type World } from './world.ts'

const VERSION = '018bcfe5000070008000000000000000'

const trained = new Map<string, Files>()

/** Puts a version in place, as if it had been trained just before the run. */
export async function beginTrained(world: World): Promise<void> {
  const { events, files, control, scheduler, records } = world
  const offsets = Array.from({ length: events.partitions }, (_, p) => records(p).length)
  const watermark: Watermark = { generation: events.generation, offsets }
  const key = offsets.join()
  const made = trained.get(key) ?? (await train(world, watermark))
  trained.set(key, made)
  for (const { path } of await made.list('')) {
    const writer = await files.create(path)
    await writer.write(await made.read(path))
    await writer.commit()
  }
  const about = { engineId: ENGINE, versionId: VERSION }
  const changes = [
    { type: 'version-opened', ...about },
    { type: 'version-watermarked', ...about, watermark },
    { type: 'version-activated', ...about, summary: null },
  ] as const
  const time = scheduler.clock.now()
  control.records.push({ appendId: 'first-version', time, expects: {}, changes })
}

async function train(world: World, watermark: Watermark): Promise<Files> {
  const files = createMemoryFiles()
  const { clock } = world.scheduler
  const asOf = clock.now()
  const live = watermark.offsets.flatMap((_, p) => eventsOf([...world.reference(p).live()]))
  const told = live.map(({ event, entityType, entityId, targetEntityId, eventTime }) => ({
    ...{ event, entityType, entityId, targetEntityType: 'item' },
    ...{ targetEntityId: targetEntityId ?? '', eventTime: new Date(eventTime).toISOString() },
  }))
  const task = {
    ...{ app: SHOP, appName: 'shop', engineId: ENGINE, versionId: VERSION, factory: 'universal' },
    ...{ variant: VARIANT, watermark, asOf },
  }
  const { model, counts, seconds } = await trainUniversal(task, {
    ...{ archive: archiveOf(told), clock, correlate: onThisThread, progress: () => {} },
  })
  const { engineId, versionId, factory } = task
  await createModels({ files, telemetry: silentTelemetry }).write(
    { engineId, versionId, factory, trainedAt: asOf, asOf, watermark, counts, seconds },
    model,
  )
  return files
}
