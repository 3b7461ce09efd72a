// Columns of a range file. One row a record of the log, whatever its kind; what a kind does not have is null.
//
//   kind          event, deletion, erasure, data-delete, barrier or tombstone
//   offset        position in the partition (generation and partition are the file's, see its key-value metadata)
//   identity      `identityNumber` of events, deletions and tombstones, else 0
//   channel       number; -1 in a data-delete of all channels
//   eventTime     creationTime where a record is no event
//   appendId      of a tombstone the name of its append
//   properties    an event's JSON text; of an erasure {"entityHash"}, of a tombstone {"identity"}, of a barrier
//                 {"engineId","versionId"}
import type { SchemaElement } from 'hyparquet'

export type ColumnType = 'text' | 'int32' | 'int64' | 'timestamp'

export interface ColumnDeclaration {
  readonly name: FileColumn
  readonly type: ColumnType
  readonly nullable: boolean
}

export const FILE_COLUMNS = [
  'kind',
  'offset',
  'identity',
  'channel',
  'entityType',
  'entityId',
  'event',
  'targetEntityType',
  'targetEntityId',
  'eventTime',
  'eventTimeOffset',
  'creationTime',
  'prId',
  'eventId',
  'appendId',
  'properties',
] as const
export type FileColumn = (typeof FILE_COLUMNS)[number]

const TYPES: Readonly<Record<FileColumn, readonly [ColumnType, 'required' | 'nullable']>> = {
  kind: ['text', 'required'],
  offset: ['int64', 'required'],
  identity: ['int64', 'required'],
  channel: ['int32', 'required'],
  entityType: ['text', 'nullable'],
  entityId: ['text', 'nullable'],
  event: ['text', 'nullable'],
  targetEntityType: ['text', 'nullable'],
  targetEntityId: ['text', 'nullable'],
  eventTime: ['timestamp', 'required'],
  eventTimeOffset: ['int32', 'required'],
  creationTime: ['timestamp', 'required'],
  prId: ['text', 'nullable'],
  eventId: ['text', 'nullable'],
  appendId: ['text', 'required'],
  properties: ['text', 'nullable'],
}

export const DECLARATIONS: readonly ColumnDeclaration[] = FILE_COLUMNS.map((name) => {
  const [type, presence] = TYPES[name]
  return { name, type, nullable: presence === 'nullable' }
})

function elementOf({ name, type, nullable }: ColumnDeclaration): SchemaElement {
  const repetition = { name, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED' } as const
  if (type === 'text') return { ...repetition, type: 'BYTE_ARRAY', converted_type: 'UTF8' }
  if (type === 'int32') return { ...repetition, type: 'INT32' }
  if (type === 'int64') return { ...repetition, type: 'INT64' }
  return { ...repetition, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' }
}

export const PARQUET_SCHEMA: SchemaElement[] = [
  { name: 'record', num_children: DECLARATIONS.length },
  ...DECLARATIONS.map(elementOf),
]
