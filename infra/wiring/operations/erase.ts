// `erase`: ends everything about one entity of an app, in all its channels: its own events and those that it is the target
// of. The report says what is gone, what is hidden, and what is still on disk; it claims nothing that is not so.
import { asMillraceError, MillraceError } from '#ports/errors'
import { everyEvent } from '#ports/event-store'
import { encodeRecord } from '#schemas/codec'
import type { App } from '#schemas/directory'
import { entityHash } from '#schemas/hashes'
import type { Json, JsonObject } from '#schemas/json'
import type { Position, Watermark } from '#schemas/position'
import type { ErasureRecord } from '#schemas/record'
import { DAY_MS } from '../../archive/layout.ts'
import { REPLACED_GONE_MS } from '../archive-upkeep.ts'
import { TRIM_EVERY_MS } from '../log-retention.ts'
import type { Platform } from '../platform.ts'
import { text } from './arguments.ts'
import { appNamed, channelsOf } from './change.ts'
import type { OperationContext } from './operation.ts'
import { endOfLog } from './sync.ts'

const TIMEOUT_MS = 300_000

/** args: as `endEntity`. Resolves when the entity is gone from every read, and from the ranges of the archive that count. */
export async function erase(
  platform: Platform,
  args: JsonObject,
  context: OperationContext,
): Promise<Json> {
  const ended = await endEntity(platform, args)
  const log = { goneBy: logGoneBy(platform, Date.parse(ended.erasedAt)) }
  return { ...ended, log, archive: await sweptArchive(platform, context) }
}

/**
 * args: `app`, `entityType`, `entityId`. Resolves when the entity is gone from every read and training; the archive's upkeep takes
 * its rows out of the files.
 */
export async function endEntity(platform: Platform, args: JsonObject) {
  const { directory, log, clock, archiveCloser } = platform
  const app = appNamed(directory.state, text(args, 'app'))
  const entityType = text(args, 'entityType')
  const entityId = text(args, 'entityId')
  await applied(platform, await endOfLog(log))
  const channels = [0, ...channelsOf(directory.state, app).map(({ id }) => id)]
  const events = await countOf(platform, app, channels, entityType, entityId)
  const erasedAt = clock.now()
  const positions = await append(platform, app, channels, entityHash(entityType, entityId))
  const offsets = positions.map(({ offset }) => offset + channels.length)
  const behind = { generation: log.generation, offsets }
  await applied(platform, behind)
  // Closed here, the erasure is in the archive too, where trainings and the upkeep find it.
  await archiveCloser.closeAt(behind)
  return {
    app: app.name,
    entityType,
    entityId,
    erasedAt: new Date(erasedAt).toISOString(),
    positions: positions.map(({ generation, partition, offset }) => ({
      generation,
      partition,
      offset,
    })),
    events,
    models: modelsOf(platform, app, behind),
  }
}

/** When the log has let go of the records before the erasure, if its sinks keep up; null when it keeps them for ever. */
function logGoneBy({ retentionDays }: Platform, erasedAt: number): string | null {
  if (retentionDays === 0) return null
  return new Date(erasedAt + retentionDays * DAY_MS + TRIM_EVERY_MS).toISOString()
}

/** An erasure of each channel in every partition; the position of the first of each partition. */
async function append(
  { log, ids, clock }: Platform,
  app: App,
  channels: readonly number[],
  hash: string,
): Promise<Position[]> {
  const creationTime = clock.now()
  const appendId = ids(creationTime)
  const values = channels.map((channel) => {
    const record: ErasureRecord = {
      kind: 'erasure',
      appendId,
      app: app.id,
      channel,
      entityHash: hash,
      creationTime,
    }
    return encodeRecord(record)
  })
  const positions: Position[] = []
  for (let partition = 0; partition < log.partitions; partition++) {
    positions.push(await log.append(partition, values))
  }
  return positions
}

/** @throws MillraceError READ_TIMEOUT */
async function applied({ watermarks }: Platform, upTo: Watermark): Promise<void> {
  for (const sink of ['store', 'index'] as const) {
    if (await watermarks.waitFor(sink, upTo, TIMEOUT_MS)) continue
    throw new MillraceError('READ_TIMEOUT', { ms: TIMEOUT_MS })
  }
}

/** Events of the entity, and those of others that it is the target of, before the erasure. */
async function countOf(
  { store }: Platform,
  app: App,
  channels: readonly number[],
  type: string,
  id: string,
): Promise<{ own: number; asTarget: number }> {
  store.refresh()
  const count = { own: 0, asTarget: 0 }
  for (const channel of channels) {
    const all = everyEvent(app.id, channel)
    const own = { ...all, entityType: type, entityId: id }
    for await (const _ of store.find(own)) count.own++
    const targets = { ...all, targetEntityType: type, targetEntityId: id }
    for await (const event of store.find(targets)) {
      if (event.entityType !== type || event.entityId !== id) count.asTarget++
    }
  }
  return count
}

/**
 * Takes its rows out of the archive. The files that held them stay until trainings that began before are over, and are gone at
 * `goneBy`; null when that has to be tried again, within an hour.
 */
async function sweptArchive(
  { upkeep, clock }: Platform,
  context: OperationContext,
): Promise<{ ranges: number; rows: number; goneBy: string | null }> {
  try {
    const { erased } = await upkeep.run()
    const goneBy = new Date(clock.now() + REPLACED_GONE_MS).toISOString()
    return { ...erased, goneBy }
  } catch (error) {
    const { message, hint } = asMillraceError(error)
    context.note(`${message} ${hint}`)
    return { ranges: 0, rows: 0, goneBy: null }
  }
}

/** Versions with a model that were trained before the erasure: what they learnt stays in them. */
function modelsOf({ directory }: Platform, app: App, behind: Watermark): JsonObject[] {
  const older = ({ generation, offsets }: Watermark): boolean =>
    generation < behind.generation ||
    offsets.some((offset, partition) => offset < (behind.offsets[partition] ?? 0))
  return [...directory.state.engines.values()]
    .filter(({ appId }) => appId === app.id)
    .flatMap(({ versions }) => versions)
    .filter(({ status }) => ['active', 'previous', 'archived'].includes(status))
    .filter(({ watermark }) => watermark === null || older(watermark))
    .map(({ engineId, id, status }) => ({ engineId, version: id, status }))
}
