// What a training will take, said before it begins: by the rows of the archive and by what the last ones took.

import type { RangeInfo } from '#ports/archive'
import type { TrainingPlace } from '#ports/batch-engine'
import { MillraceError } from '#ports/errors'
import type { Manifest } from '#schemas/model'
import type { Watermark } from '#schemas/position'

export interface TrainingEstimate {
  /** Rows of the app; a few of them are no events. */
  readonly events: number
  /** Of a training in this process, at its highest; within a quarter for shops of 1 to 20 events a user. */
  readonly memoryBytes: number
  /** As the last one took in this place; null before there was one. */
  readonly seconds: number | null
  /** Users, items and pairs, as the last training anywhere found them, in proportion; null before there was one. */
  readonly counts: Readonly<Record<'users' | 'items' | 'pairs', number>> | null
}

export interface EstimateInput {
  readonly events: number
  /** Of the engine's models, newest first. */
  readonly manifests: readonly Manifest[]
  readonly place: TrainingPlace
}

/** Measured: threads with nothing to do, an event in the matrices, an id with its place in a dictionary. */
const BASE_BYTES = 150e6
const EVENT_BYTES = 64
const ID_BYTES = 250
/** Before the first training: so many events have an id of their own. */
const EVENTS_PER_ID = 4

/** Rows of an app below a watermark. */
export function archivedRows(
  ranges: readonly RangeInfo[],
  app: number,
  { generation, offsets }: Watermark,
): number {
  let rows = 0
  for (const range of ranges) {
    const isBelow =
      range.generation < generation ||
      (range.generation === generation && range.start < (offsets[range.partition] ?? 0))
    if (!isBelow) continue
    for (const file of range.files) if (file.app === app) rows += file.rows
  }
  return rows
}

export function estimateTraining({ events, manifests, place }: EstimateInput): TrainingEstimate {
  const share = ({ counts }: Manifest): number => events / Math.max(counts.events ?? 0, 1)
  const [last] = manifests
  const there = manifests.find((manifest) => (manifest.place ?? 'this process') === place.name)
  const scaled = (name: string): number =>
    last === undefined ? 0 : Math.round((last.counts[name] ?? 0) * share(last))
  const counts =
    last === undefined
      ? null
      : { users: scaled('users'), items: scaled('items'), pairs: scaled('pairs') }
  // Users that did nothing of the primary indicator are not counted, but read.
  const ids = counts === null ? events / EVENTS_PER_ID : 2 * counts.users + counts.items
  const took = Object.values(there?.seconds ?? {}).reduce((sum, seconds) => sum + seconds, 0)
  return {
    events,
    memoryBytes: BASE_BYTES + EVENT_BYTES * events + ID_BYTES * ids,
    seconds: there === undefined ? null : took * Math.max(share(there), 1),
    counts,
  }
}

/** One line for people. */
export function estimateText(
  engineId: string,
  { events, memoryBytes, seconds, counts }: TrainingEstimate,
  place: TrainingPlace,
): string {
  const found =
    counts === null
      ? ''
      : ` (about ${grouped(counts.users)} users, ${grouped(counts.items)} items, ${grouped(counts.pairs)} pairs)`
  const memory = place.memoryBytes === null ? '' : `, about ${megabytes(memoryBytes)} MB of memory`
  const time =
    seconds === null
      ? 'how long the first one here takes is not known'
      : `about ${Math.max(1, Math.round(seconds))} s`
  return `Training ${engineId} in ${place.name}: ${grouped(events)} events${found}${memory}, ${time}.`
}

/** @throws MillraceError TRAINING_TOO_LARGE when this process has not the memory for it */
export function assertFits(
  engine: string,
  { events, memoryBytes }: TrainingEstimate,
  place: TrainingPlace,
): void {
  if (place.memoryBytes === null || memoryBytes <= place.memoryBytes) return
  throw new MillraceError('TRAINING_TOO_LARGE', {
    engine,
    events: grouped(events),
    needed: megabytes(memoryBytes),
    available: megabytes(place.memoryBytes),
  })
}

const grouped = (number: number): string => number.toLocaleString('en')
const megabytes = (bytes: number): string => grouped(Math.round(bytes / 1e6))
