// What has to hold when everything has come to rest: each view is what the log says, and nothing is missing or twice.
import { isDeepStrictEqual } from 'node:util'
import { silentTelemetry } from '#ports/telemetry'
import { decodeDeadLetter } from '#schemas/dead-letter'
import { effective, identityKey } from '#schemas/effective'
import { covers, emptyWatermark, type Watermark } from '#schemas/position'
import { createArchive } from '../../infra/archive/archive.ts'
import type { Ledger } from './client.ts'
import type { Host } from './host.ts'
import { type Entity, itemStateOf, type PlacedEvent } from './reference.ts'
import { directoryOf } from './shared-directory.ts'
import type { World } from './world.ts'

/** The end of the log. */
export function endOfLog({ events, records }: World): Watermark {
  const { offsets } = emptyWatermark(events.partitions)
  return { generation: events.generation, offsets: offsets.map((_, p) => records(p).length) }
}

const partitionsOf = ({ events }: World): number[] =>
  Array.from({ length: events.partitions }, (_, partition) => partition)

/** Everything acknowledged is where the acknowledgement said. */
export function checkAcknowledged(world: World, { acknowledged }: Ledger): void {
  for (const { position, app, eventId } of acknowledged) {
    const record = world.records(position.partition)[position.offset]?.record
    const isThere =
      record?.kind === 'event' && record.app === app && record.event.eventId === eventId
    if (!isThere) world.wrong('nothing-lost', `${eventId} was acknowledged and is gone`)
  }
}

/** The store holds exactly the events that count. */
export function checkStore(world: World): void {
  const wanted = new Map<string, PlacedEvent>()
  for (const partition of partitionsOf(world)) {
    const reference = world.reference(partition)
    for (const live of reference.live()) wanted.set(identityKey(live.record), live)
    const counted = effective(world.records(partition).filter((placed) => placed !== null))
    if (counted.length !== [...reference.live()].length) {
      world.wrong('reference', `the two references differ in partition ${partition}`)
    }
  }
  const { live } = world.disk.events
  for (const [key, placed] of wanted) {
    const stored = live.get(key)
    if (stored === undefined) world.wrong('nothing-lost', `the store lacks ${key}`)
    else if (stored.offset !== placed.offset || !isDeepStrictEqual(stored.record, placed.record)) {
      world.wrong('store', `the store has another ${key} than the log`)
    }
  }
  for (const [key, { record }] of live) {
    if (!wanted.has(identityKey(record)) || key !== identityKey(record)) {
      world.wrong('nothing-twice', `the store has ${key}, which does not count`)
    }
  }
}

/** Each refused record is in dead letters, and nothing else is. */
export function checkDeadLetters(world: World): void {
  const places = new Set<string>()
  for (const value of world.deadLetters.valuesFrom(0, 0)) {
    const letter = decodeDeadLetter(value)
    if (letter === null) world.wrong('dead-letters', 'a dead letter cannot be read')
    else places.add(`${letter.sink}/${letter.reason}/${letter.partition}/${letter.offset}`)
  }
  for (const partition of partitionsOf(world)) {
    const { reused, unreadable } = world.reference(partition)
    // Refusals that a stale owner took with it to its end are known to the store and buried by the next that begins.
    const waiting = world.disk.events.unburied.filter((its) => its.partition === partition)
    for (const { offset } of waiting) places.add(`store/EVENT_ID_REUSED/${partition}/${offset}`)
    const wanted = [
      ...Array.from(reused, (offset) => `store/EVENT_ID_REUSED/${partition}/${offset}`),
      ...Array.from(unreadable, (offset) => `store/RECORD_UNREADABLE/${partition}/${offset}`),
      ...Array.from(unreadable, (offset) => `archive/RECORD_UNREADABLE/${partition}/${offset}`),
    ]
    for (const place of wanted) {
      if (!places.delete(place)) world.wrong('dead-letters', `${place} is not in dead letters`)
    }
  }
  for (const place of places) world.wrong('dead-letters', `${place} is in dead letters in vain`)
}

/** The state of every item is the fold of its events, in order of their time. */
export function checkItemStates(world: World, host: Host): void {
  for (const partition of partitionsOf(world)) {
    const reference = world.reference(partition)
    for (const entity of reference.entities()) {
      if (entity.type === 'item')
        checkItemState(world, host, entity, [reference.end, reference.end])
    }
  }
}

/** The index shows everything below the place that it says it has applied. */
export function checkIndexed(
  world: World,
  host: Pick<Host, 'told' | 'life'>,
  { offsets }: Watermark,
): void {
  for (const partition of partitionsOf(world)) {
    const reference = world.reference(partition)
    for (const entity of reference.entities()) {
      if (entity.type !== 'item') continue
      // Where several processes share an index, one may be telling it anew what another has told it already.
      const by = host.told.refilling.get(entity.app)
      if (by !== undefined && by !== host.life) continue
      checkItemState(world, host, entity, [offsets[partition] ?? 0, reference.end])
    }
  }
}

/** The store has applied what it says, and no more than there is. */
export function checkStored(world: World, applied: Watermark): void {
  if (!covers(world.disk.events.watermark, applied)) {
    world.wrong('watermarks', `the store says ${applied.offsets} and has less`)
  }
  if (!covers(endOfLog(world), world.disk.events.watermark)) {
    world.wrong('watermarks', `the store is at ${applied.offsets}, behind the end of the log`)
  }
}

/** One item's state in the index is one that it had while the partition's end went from `from` to `to`. */
export function checkItemState(
  world: World,
  { told, life }: Pick<Host, 'told' | 'life'>,
  entity: Entity,
  [from, to]: readonly [number, number],
): void {
  const state = told.states.get(entity.app)?.get(entity.id)
  const given = {
    exists: state?.exists ?? false,
    deleted: state?.deleted ?? false,
    properties: state?.properties ?? {},
  }
  const possible = world
    .reference(world.partitionOf(entity))
    .versions(entity, from, to)
    .map(itemStateOf)
  if (possible.some((one) => isDeepStrictEqual(one, given))) return
  // A gap that is known: an index that outlives its process keeps an item whose last `$set` was deleted when the process
  // ends between the store and the index. What is loaded then does not name it.
  const isGone = possible.some((one) => isDeepStrictEqual(one, itemStateOf([])))
  if (isGone && world.sharedIndex !== null) return
  const wanted = possible.map((one) => JSON.stringify(one)).join(' or ')
  const name = `item ${entity.id} of app ${entity.app}`
  world.wrong(
    'item-states',
    `the index of ${life.name} has ${name} as ${JSON.stringify(given)}, not ${wanted}`,
  )
}

/** The archive holds every record below the end of its ranges, as it stands in the log. */
export async function checkArchive(world: World): Promise<void> {
  const { files, events, scheduler } = world
  const { generation } = events
  const archive = createArchive({
    ...{ files, telemetry: silentTelemetry, clock: scheduler.clock, generation },
  })
  for (const partition of partitionsOf(world)) {
    const end = await archive.end(partition)
    const wanted = world
      .records(partition)
      .slice(0, end)
      .filter((placed) => placed !== null)
    const found: unknown[] = []
    for await (const batch of archive.records(partition, 0)) found.push(...batch)
    if (!isDeepStrictEqual(found, wanted)) {
      world.wrong('archive', `${found.length} records of partition ${partition} below ${end}`)
    }
  }
}

/** At most one version answers, and the one that does can. */
export function checkVersions(world: World, hosts: readonly Host[]): void {
  for (const engine of directoryOf(world.control).engines.values()) {
    const active = engine.versions.filter(({ status }) => status === 'active')
    if (active.length > 1) world.wrong('versions', `${engine.id} has ${active.length} active ones`)
    for (const { directory, index, life, restored } of hosts) {
      const known = directory.state.engines.get(engine.id)?.activeVersion ?? null
      if (known !== engine.activeVersion) {
        world.wrong('versions', `${life.name} thinks that ${known} is active`)
      }
      const open = index.versions().map(({ versionId }) => versionId)
      if (restored && engine.activeVersion !== null && !open.includes(engine.activeVersion)) {
        world.wrong('versions', `the index of ${life.name} lacks ${engine.activeVersion}`)
      }
    }
  }
}
