// The effective events of an archive in SQL: the same answer as `schemas/effective.ts`, as `infra/archive/liveness.ts` comes to it.
//
//   records     the rows of the files that belong to the request
//   repeated    identity numbers that occur more than once; all other events stand, unless ended by a note
//   notes       erasures and data-deletes: each ends what stands before it
//   decided     events of repeated numbers that stand, from a fold over all records of their identity
//   events      the effective events, written once: everything after reads only them
import type { ArchiveSource } from '#ports/archive'
import { APPENDS_REMEMBERED } from '#schemas/effective'
import { DEFAULT_CHANNEL } from '#schemas/event'
import type { Steps } from './spark-steps.ts'
import { appendName, entityHash, identityHash } from './spark-text.ts'

/** Of a data-delete of all channels. */
const ALL_CHANNELS = -1
const EVENT_COLUMNS =
  'generation, partition, offset, event, entityType, entityId, targetEntityType, targetEntityId, time'

interface Kinds {
  readonly tombstones: boolean
  readonly erasures: boolean
  readonly notes: boolean
}

/** Makes the table `events` of the default channel. False when there is not one record of an event. */
export async function makeEvents(
  steps: Steps,
  sources: readonly ArchiveSource[],
): Promise<boolean> {
  if (sources.length === 0) return false
  await makeRecords(steps, sources)
  const kinds = new Set(
    (await steps.rows('select distinct kind from records')).map(({ kind }) => kind),
  )
  if (!kinds.has('event')) return false
  const found: Kinds = {
    tombstones: kinds.has('tombstone'),
    erasures: kinds.has('erasure'),
    notes: kinds.has('erasure') || kinds.has('data-delete'),
  }
  if (found.notes) await steps.table('notes', NOTES)
  await steps.table('repeated', REPEATED)
  const [repeated] = await steps.rows('select count(*) n from repeated')
  const some = repeated?.n !== 0
  if (some) await decide(steps, found)
  await steps.view('standing', some ? `${SINGLE} union all ${DECIDED}` : ALL)
  if (found.erasures) await steps.table('erased', ERASED)
  await steps.table(
    'events',
    `select event, entityType, entityId, targetEntityType, targetEntityId, time from standing e
     ${found.notes ? NOT_DELETED : ''} ${found.erasures ? NOT_ERASED : ''}`,
  )
  return true
}

/** Positions are the files', not their rows': each partition is read for itself. */
async function makeRecords(steps: Steps, sources: readonly ArchiveSource[]): Promise<void> {
  const parts: string[] = []
  for (const [n, { generation, partition, limit, files }] of sources.entries()) {
    const below = Number.isFinite(limit) ? `where offset < ${limit}` : ''
    await steps.viewOfParquet(
      `source_${n}`,
      files.map(({ path }) => path),
    )
    parts.push(
      `select ${generation} generation, ${partition} partition, * from source_${n} ${below}`,
    )
  }
  const ours = `channel in (${DEFAULT_CHANNEL}, ${ALL_CHANNELS})`
  await steps.view('records', `select * from (${parts.join(' union all ')}) where ${ours}`)
}

const NOTES = `
  select generation, partition, offset,
    if(kind = 'erasure', get_json_object(properties, '$.entityHash'), null) hash
  from records
  where (kind = 'erasure' and channel = ${DEFAULT_CHANNEL}) or kind = 'data-delete'`

const WITH_IDENTITY = `channel = ${DEFAULT_CHANNEL} and kind in ('event', 'deletion', 'tombstone')`

const REPEATED = `
  select identity from records where ${WITH_IDENTITY} group by identity having count(*) > 1`

const ALL = `
  select generation, partition, offset, event, entityType, entityId, targetEntityType, targetEntityId,
    unix_millis(eventTime) time
  from records where kind = 'event' and channel = ${DEFAULT_CHANNEL}`

const SINGLE = `${ALL} and identity is not null and not exists (
  select 1 from repeated where repeated.identity = records.identity)`

const DECIDED = `select ${EVENT_COLUMNS} from decided`

/** A note stands behind the event: places of two partitions of one generation have no order. */
const BEHIND = `(n.generation > e.generation
  or (n.generation = e.generation and n.partition = e.partition and n.offset > e.offset))`

const NOT_DELETED = `
  left anti join (select generation, partition, max(offset) offset from notes where hash is null
    group by generation, partition) n on ${BEHIND}`

const NOT_ERASED = `
  left anti join erased n on n.type = e.entityType and n.id = e.entityId and ${BEHIND}
  left anti join erased n on n.type = e.targetEntityType and n.id = e.targetEntityId and ${BEHIND}`

/** Hashing costs a step a byte, so each entity is hashed once. */
const ERASED = `
  select type, id, generation, partition, offset from (
    select type, id, ${entityHash('type', 'id')} hash from (
      select entityType type, entityId id from standing
      union select targetEntityType, targetEntityId from standing
        where targetEntityType is not null and targetEntityId is not null))
  join (select hash, generation, partition, max(offset) offset from notes where hash is not null
    group by hash, generation, partition) using (hash)`

/**
 * Makes the table `decided`. A record of an identity is taken after the other, as `decide` does it; notes stand between them
 * like records. Where an identity has records in a generation, those notes of it count that stand in the same partition.
 */
async function decide(steps: Steps, kinds: Kinds): Promise<void> {
  const append = `if(appendId = '', eventId, appendId)`
  // Of a tombstone's append there is only the name.
  const named = kinds.tombstones
    ? `if(kind = 'tombstone', appendId, ${appendName(append)})`
    : append
  const key = identityHash('entityType', 'entityId', 'eventId')
  const buried = `if(kind = 'tombstone', get_json_object(properties, '$.identity'), ${key})`
  const hashes = kinds.erasures
    ? `if(kind = 'event', filter(array(${entityHash('entityType', 'entityId')},
        ${entityHash('targetEntityType', 'targetEntityId')}), h -> h is not null), array())`
    : 'array()'
  await steps.table(
    'rare',
    `select /*+ broadcast(repeated) */ generation, partition, offset, kind, event, entityType, entityId,
       targetEntityType, targetEntityId, unix_millis(eventTime) time,
       ${kinds.tombstones ? buried : key} key, ${named} append, cast(${hashes} as array<string>) hashes
     from records join repeated using (identity) where ${WITH_IDENTITY}`,
  )
  const steady = `select key, generation, offset, kind, append, hashes from rare`
  const all = kinds.notes ? `${steady} union all ${NOTES_OF_RARE}` : steady
  await steps.table(
    'decided',
    `select ${EVENT_COLUMNS} from rare join (
       select key, state.generation generation, state.offset offset from (
         select key, ${FOLD} state from (${all}) group by key))
     using (key, generation, offset) where kind = 'event'`,
  )
}

const NOTES_OF_RARE = `
  select t.key, t.generation, t.offset, 'note', null, if(t.hash is null, array(), array(t.hash)) from (
    select s.key, n.* from (select distinct key, explode(hashes) hash from rare) s
      join notes n on n.hash = s.hash
    union all
    select s.key, n.* from (select distinct key from rare) s cross join notes n where n.hash is null) t
  left join (select distinct key, generation, partition from rare) p
    on p.key = t.key and p.generation = t.generation
  where p.partition is null or p.partition = t.partition`

/** The live event as (generation, offset; -1 when there is none) and its hashes; the accepted appends, newest last. */
const FOLD = `
  aggregate(
    array_sort(collect_list(struct(generation, offset, kind, append, hashes))),
    cast(struct(-1, -1L, array(), array())
      as struct<generation: int, offset: bigint, hashes: array<string>, appends: array<string>>),
    (s, r) -> case
      when r.kind = 'event' and (s.offset >= 0 or array_contains(s.appends, r.append)) then s
      when r.kind = 'event' then named_struct('generation', r.generation, 'offset', r.offset,
        'hashes', r.hashes, 'appends', ${newest('concat(s.appends, array(r.append))')})
      when r.kind = 'tombstone' then named_struct('generation', s.generation, 'offset', s.offset,
        'hashes', s.hashes, 'appends', ${newest('concat(s.appends, array(r.append))')})
      when r.kind = 'deletion' or size(r.hashes) = 0 or arrays_overlap(r.hashes, s.hashes)
        then named_struct('generation', s.generation, 'offset', -1L, 'hashes', s.hashes, 'appends', s.appends)
      else s end)`

function newest(list: string): string {
  const most = APPENDS_REMEMBERED
  return `if(size(${list}) > ${most}, slice(${list}, -${most}, ${most}), ${list})`
}
