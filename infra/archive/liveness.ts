// Which rows of a scan are effective events: the same answer as `schemas/effective.ts`, without looking at ids where that
// is not needed.
//
//   1. read kinds, channels and identity numbers of all rows; note erasures and data-deletes
//   2. find the numbers that occur more than once: one that occurs once is an event without repeat or deletion, and stands unless ended by a note
//   3. of numbers that occur more than once read the ids and decide record by record, exactly
//
// A tombstone stands for an event that is no more: it is dead, and its append counts no second time.
//
// The result is a bit a row. Memory: 8 bytes a row of at most ROWS_A_PASS rows, and the states of at most IDENTITIES_A_PASS
// identities; larger archives take more passes over the columns, which are small.
import { APPENDS_REMEMBERED, appendOf, decide, type IdentityState } from '#schemas/effective'
import { entityHash } from '#schemas/hashes'
import { appendName, identityHash } from '#schemas/identity-hash'
import type { EventRecord, LogRecord } from '#schemas/record'
import { type Bits, createBits } from './bits.ts'
import { createNotes, type Notes, type Place } from './ending-notes.ts'
import type { Columns } from './parquet-reader.ts'
import { ALL_CHANNELS } from './row-group.ts'
import type { Scan, Segment } from './scan.ts'
import type { FileColumn } from './schema.ts'

export interface LivenessOptions {
  readonly channel: number
  /** Takes the rows of events that never counted: repeats, and ids that were taken. */
  readonly refused?: Bits
  /** For tests: smaller passes. */
  readonly rowsAPass?: number
  readonly identitiesAPass?: number
}

const ROWS_A_PASS = 16 * 1024 * 1024
const IDENTITIES_A_PASS = 300_000

const FIRST_COLUMNS = ['kind', 'channel', 'offset', 'identity'] as const
const ID_COLUMNS = ['entityType', 'entityId', 'eventId', 'appendId'] as const
const TARGET_COLUMNS = ['targetEntityType', 'targetEntityId'] as const

/** What the passes share. */
interface Work {
  readonly scan: Scan
  readonly channel: number
  readonly dead: Bits
  readonly refused: Bits | undefined
  readonly notes: Notes
}

/** The dead rows of a scan: all that are no effective event of the channel. */
export async function findDead(scan: Scan, options: LivenessOptions): Promise<Bits> {
  const { channel, rowsAPass = ROWS_A_PASS, identitiesAPass = IDENTITIES_A_PASS } = options
  const { refused } = options
  const work: Work = { scan, channel, refused, dead: createBits(scan.rows), notes: createNotes() }
  const passes = Math.max(1, Math.ceil(scan.rows / rowsAPass))
  for (let pass = 0; pass < passes; pass++) {
    const repeated = repeatedNumbers(await readNumbers(work, pass, passes))
    for (let from = 0; from < repeated.length; from += identitiesAPass) {
      await decideExactly(work, new Set(repeated.subarray(from, from + identitiesAPass)))
    }
  }
  if (!work.notes.empty) await applyNotes(work)
  return work.dead
}

/** The identity numbers of this pass; the first pass also marks what is no event of the channel and takes the notes. */
async function readNumbers(work: Work, pass: number, passes: number): Promise<Float64Array> {
  const { scan, dead } = work
  const numbers = new Float64Array(scan.rows)
  let count = 0
  for (const segment of scan.segments) {
    const columns = await segment.read(FIRST_COLUMNS)
    const kinds = columns.text('kind')
    const channels = columns.numbers('channel')
    const offsets = columns.numbers('offset')
    const identities = columns.numbers('identity')
    let noted = false
    for (let row = 0; row < segment.rows; row++) {
      const kind = kinds[row]
      const within = (offsets[row] as number) < segment.limit
      const ours = within && channels[row] === work.channel
      if (ours && hasIdentity(kind)) {
        const number = identities[row] as number
        if (number % passes === pass) numbers[count++] = number
      }
      if (pass > 0) continue
      if (!ours || kind !== 'event') dead.set(segment.firstRow + row)
      noted ||= within && (kind === 'erasure' || kind === 'data-delete')
    }
    if (noted) await takeNotes(work, segment)
  }
  return numbers.subarray(0, count)
}

async function takeNotes({ notes, channel }: Work, segment: Segment): Promise<void> {
  const columns = await segment.read(['kind', 'channel', 'offset', 'properties'])
  const kinds = columns.text('kind')
  const channels = columns.numbers('channel')
  const offsets = columns.numbers('offset')
  const properties = columns.text('properties')
  for (let row = 0; row < segment.rows; row++) {
    const place = placeOf(segment, offsets[row] as number)
    if (place.offset >= segment.limit) break
    const ours = channels[row] === channel
    if (kinds[row] === 'erasure' && ours) {
      notes.add(place, (JSON.parse(properties[row] ?? '{}') as { entityHash: string }).entityHash)
    } else if (kinds[row] === 'data-delete' && (ours || channels[row] === ALL_CHANNELS)) {
      notes.add(place, null)
    }
  }
}

/**
 * The numbers that occur more than once, each once. Nearly all occur once, so two tables of bits sift those out before
 * the rest is sorted: one bit says that a place was taken, the other that it was taken twice.
 */
function repeatedNumbers(numbers: Float64Array): Float64Array {
  const places = 2 ** Math.max(5, Math.ceil(Math.log2(numbers.length * 16 + 1)))
  const mask = places - 1
  const taken = createBits(places)
  const twice = createBits(places)
  for (const number of numbers) {
    const place = number & mask
    if (taken.has(place)) twice.set(place)
    else taken.set(place)
  }
  let suspects = 0
  for (const number of numbers) if (twice.has(number & mask)) numbers[suspects++] = number
  const sorted = numbers.subarray(0, suspects).sort()
  let count = 0
  for (let i = 1; i < sorted.length; i++) {
    const number = sorted[i] as number
    if (number !== sorted[i - 1]) continue
    if (count === 0 || sorted[count - 1] !== number) sorted[count++] = number
  }
  return sorted.subarray(0, count)
}

interface Identity {
  readonly state: IdentityState
  /** Row and place of the live event, when there is one. */
  readonly row: number
  readonly place: Place
  readonly hashes: readonly string[]
}

/** Decides the identities with these numbers, from all their records; their live rows are left standing. */
async function decideExactly(work: Work, wanted: ReadonlySet<number>): Promise<void> {
  const { scan, dead, refused, notes, channel } = work
  const identities = new Map<string, Identity>()
  const columnsOfIds: FileColumn[] = [...ID_COLUMNS, ...(notes.namesEntities ? TARGET_COLUMNS : [])]
  for (const segment of scan.segments) {
    const columns = await segment.read(FIRST_COLUMNS)
    const rows = rowsWith(columns, wanted, channel, segment.limit)
    if (rows.length === 0) continue
    const kinds = columns.text('kind')
    const buried = rows.some((row) => kinds[row] === 'tombstone')
    const ids = await segment.read(buried ? [...columnsOfIds, 'properties'] : columnsOfIds)
    const hashesOf = rowHashes(ids, notes.namesEntities)
    const offsets = columns.numbers('offset')
    for (const row of rows) {
      const isTombstone = kinds[row] === 'tombstone'
      const key = isTombstone ? identityOf(ids, row) : keyOf(ids, row)
      if (isTombstone) {
        identities.set(key, withAppend(identities.get(key), ids.text('appendId')[row] ?? ''))
        continue
      }
      const place = placeOf(segment, offsets[row] as number)
      const known = ended(identities.get(key), place, notes)
      const number = segment.firstRow + row
      const isEvent = kinds[row] === 'event'
      const record = isEvent ? eventOf(ids, row) : DELETION
      const { state, verdict } = decide(known?.state, number, record)
      if (isEvent) dead.set(number)
      if (isEvent && verdict !== 'live') refused?.set(number)
      if (verdict === 'live')
        identities.set(key, { state, row: number, place, hashes: hashesOf(row) })
      else if (known !== undefined) identities.set(key, { ...known, state })
      else identities.set(key, { state, row: number, place, hashes: [] })
    }
  }
  for (const identity of identities.values()) {
    if (identity.state.liveAt >= 0) dead.clear(identity.row)
  }
}

const NO_PLACE: Place = { generation: -1, partition: -1, offset: -1 }

/** The identity with one more append that was accepted, and is over. */
function withAppend(known: Identity | undefined, append: string): Identity {
  const state = known?.state ?? { decidedAt: -1, liveAt: -1, contentHash: 0, appends: [] }
  const appends = [...state.appends, append].slice(-APPENDS_REMEMBERED)
  return { row: -1, place: NO_PLACE, hashes: NO_HASHES, ...known, state: { ...state, appends } }
}

function hasIdentity(kind: string | null | undefined): boolean {
  return kind === 'event' || kind === 'deletion' || kind === 'tombstone'
}

/** The identity as it is just before `place`: notes since its live event have ended that. */
function ended(known: Identity | undefined, place: Place, notes: Notes): Identity | undefined {
  if (known === undefined || known.state.liveAt < 0 || notes.empty) return known
  if (!notes.ends(known.place, place, () => known.hashes)) return known
  return { ...known, state: { ...known.state, liveAt: -1 } }
}

function rowsWith(
  columns: Columns,
  wanted: ReadonlySet<number>,
  channel: number,
  limit: number,
): number[] {
  const kinds = columns.text('kind')
  const channels = columns.numbers('channel')
  const offsets = columns.numbers('offset')
  const identities = columns.numbers('identity')
  const rows: number[] = []
  for (let row = 0; row < columns.rows; row++) {
    if (!wanted.has(identities[row] as number) || channels[row] !== channel) continue
    if ((offsets[row] as number) >= limit) continue
    if (hasIdentity(kinds[row])) rows.push(row)
  }
  return rows
}

/** Ends events that stand before an erasure or data-delete. */
async function applyNotes({ scan, dead, notes }: Work): Promise<void> {
  const columnsWanted: FileColumn[] = ['offset']
  if (notes.namesEntities) columnsWanted.push('entityType', 'entityId', ...TARGET_COLUMNS)
  for (const segment of scan.segments) {
    const offsets = (await segment.read(['offset'])).numbers('offset')
    if (notes.allBefore(placeOf(segment, offsets[0] as number))) continue
    const columns = await segment.read(columnsWanted)
    const hashesOf = rowHashes(columns, notes.namesEntities)
    for (let row = 0; row < segment.rows; row++) {
      const number = segment.firstRow + row
      if (dead.has(number)) continue
      const place = placeOf(segment, offsets[row] as number)
      if (notes.ends(place, null, () => hashesOf(row))) dead.set(number)
    }
  }
}

function placeOf({ generation, partition }: Segment, offset: number): Place {
  return { generation, partition, offset }
}

const NO_HASHES: readonly string[] = []

/** Gives the hashes of a row's entity and target. */
function rowHashes(columns: Columns, wanted: boolean): (row: number) => readonly string[] {
  if (!wanted) return () => NO_HASHES
  const types = columns.text('entityType')
  const ids = columns.text('entityId')
  const targetTypes = columns.text('targetEntityType')
  const targetIds = columns.text('targetEntityId')
  return (row) => {
    const entity = entityHash(types[row] ?? '', ids[row] ?? '')
    const type = targetTypes[row]
    const id = targetIds[row]
    return type == null || id == null ? [entity] : [entity, entityHash(type, id)]
  }
}

function keyOf(ids: Columns, row: number): string {
  const type = ids.text('entityType')[row] ?? ''
  const id = ids.text('entityId')[row] ?? ''
  return identityHash(type, id, ids.text('eventId')[row] ?? '').toString('hex')
}

function identityOf(ids: Columns, row: number): string {
  const { identity } = JSON.parse(ids.text('properties')[row] ?? '{}') as { identity: string }
  return identity
}

/** All that a decision about life and death looks at; what an event says makes no difference to it. */
function eventOf(ids: Columns, row: number): EventRecord {
  const event = { ...NO_EVENT, eventId: ids.text('eventId')[row] ?? '' }
  const record = { kind: 'event', app: 0, channel: 0, appendId: ids.text('appendId')[row] ?? '' }
  const whole = { ...record, event } as EventRecord
  // By their names, since of a tombstone's append there is no more.
  return { ...whole, appendId: appendName(appendOf(whole)) }
}

const NO_EVENT: EventRecord['event'] = {
  eventId: '',
  event: '',
  entityType: '',
  entityId: '',
  targetEntityType: null,
  targetEntityId: null,
  properties: '',
  eventTime: 0,
  eventTimeOffset: 0,
  prId: null,
  creationTime: 0,
}

const DELETION: LogRecord = {
  kind: 'deletion',
  app: 0,
  channel: 0,
  appendId: '',
  entityType: '',
  entityId: '',
  eventId: '',
  creationTime: 0,
}
