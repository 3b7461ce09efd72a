// Records of one app on their way into a row group.
import type {
  ArchivedRecord,
  EventRecord,
  LogRecord,
  Placed,
  RecordKind,
  TombstoneRecord,
} from '#schemas/record'
import {
  type EncodedColumn,
  GROUP_ROWS,
  Int32Column,
  Int64Column,
  TextColumn,
} from './column-builders.ts'
import { identityNumber } from './identity.ts'
import { DECLARATIONS, type FileColumn } from './schema.ts'

/** Bytes of text after which a row group is full, whatever its rows. */
const GROUP_BYTES = 8 * 1024 * 1024

type Columns = Readonly<
  Record<'offset' | 'identity' | 'eventTime' | 'creationTime', Int64Column> &
    Record<'channel' | 'eventTimeOffset', Int32Column> &
    Record<
      Exclude<
        FileColumn,
        'offset' | 'identity' | 'eventTime' | 'creationTime' | 'channel' | 'eventTimeOffset'
      >,
      TextColumn
    >
>

/** The members of a record that are no event's, in the columns of an event. */
interface OtherRow {
  readonly kind: Exclude<RecordKind, 'event'>
  readonly channel: number
  readonly entityType: string | null
  readonly entityId: string | null
  readonly eventId: string | null
  readonly appendId: string
  readonly creationTime: number
  readonly properties: string | null
}

export class RowGroup {
  readonly #columns: Columns
  readonly #textColumns: readonly TextColumn[]
  #rows = 0

  constructor() {
    const columns = DECLARATIONS.map(({ name, type, nullable }) => {
      if (type === 'text') return [name, new TextColumn(nullable)] as const
      return [name, type === 'int32' ? new Int32Column() : new Int64Column()] as const
    })
    this.#columns = Object.fromEntries(columns) as unknown as Columns
    this.#textColumns = columns.flatMap(([, column]) =>
      column instanceof TextColumn ? [column] : [],
    )
  }

  get rows(): number {
    return this.#rows
  }

  get bytes(): number {
    let bytes = this.#rows * 40
    for (const column of this.#textColumns) bytes += column.bytes
    return bytes
  }

  /** Asked after every row, so the bytes are added up only now and then. */
  get full(): boolean {
    return this.#rows === GROUP_ROWS || ((this.#rows & 63) === 0 && this.bytes > GROUP_BYTES)
  }

  add({ offset, record }: Placed<ArchivedRecord>): void {
    const c = this.#columns
    this.#rows++
    c.offset.add(offset)
    if (record.kind === 'event') this.#addEvent(record)
    else if (record.kind === 'tombstone') this.#addTombstone(record)
    else this.#addOther(otherRow(record))
  }

  #addEvent(record: EventRecord): void {
    const c = this.#columns
    const e = record.event
    c.kind.add('event')
    c.identity.add(identityNumber(e.entityType, e.entityId, e.eventId))
    c.channel.add(record.channel)
    c.entityType.add(e.entityType)
    c.entityId.add(e.entityId)
    c.event.add(e.event)
    c.targetEntityType.add(e.targetEntityType)
    c.targetEntityId.add(e.targetEntityId)
    c.eventTime.add(e.eventTime)
    c.eventTimeOffset.add(e.eventTimeOffset)
    c.creationTime.add(e.creationTime)
    c.prId.add(e.prId)
    c.eventId.add(e.eventId)
    c.appendId.add(record.appendId)
    c.properties.add(e.properties)
  }

  #addTombstone(record: TombstoneRecord): void {
    const c = this.#columns
    c.kind.add(record.kind)
    c.identity.add(record.number)
    c.channel.add(record.channel)
    c.entityType.add(null)
    c.entityId.add(null)
    c.event.add(record.event)
    c.targetEntityType.add(record.targetEntityType)
    c.targetEntityId.add(record.targetEntityId)
    c.eventTime.add(record.creationTime)
    c.eventTimeOffset.add(0)
    c.creationTime.add(record.creationTime)
    c.prId.add(null)
    c.eventId.add(null)
    c.appendId.add(record.append)
    c.properties.add(JSON.stringify({ identity: record.identity }))
  }

  #addOther(row: OtherRow): void {
    const c = this.#columns
    const { entityType, entityId, eventId } = row
    const named = entityType !== null && entityId !== null && eventId !== null
    c.kind.add(row.kind)
    c.identity.add(named ? identityNumber(entityType, entityId, eventId) : 0)
    c.channel.add(row.channel)
    c.entityType.add(entityType)
    c.entityId.add(entityId)
    c.event.add(null)
    c.targetEntityType.add(null)
    c.targetEntityId.add(null)
    c.eventTime.add(row.creationTime)
    c.eventTimeOffset.add(0)
    c.creationTime.add(row.creationTime)
    c.prId.add(null)
    c.eventId.add(eventId)
    c.appendId.add(row.appendId)
    c.properties.add(row.properties)
  }

  /** The columns in the order of the schema. */
  encode(): { readonly name: FileColumn; readonly column: EncodedColumn }[] {
    return DECLARATIONS.map(({ name }) => ({ name, column: this.#columns[name].encode() }))
  }

  clear(): void {
    this.#rows = 0
    for (const { name } of DECLARATIONS) this.#columns[name].clear()
  }
}

/** Channel number that stands for all channels. */
export const ALL_CHANNELS = -1

function otherRow(record: Exclude<LogRecord, { kind: 'event' }>): OtherRow {
  const { appendId, creationTime } = record
  const nothing = { entityType: null, entityId: null, eventId: null, properties: null }
  const row = { ...nothing, appendId, creationTime }
  switch (record.kind) {
    case 'deletion': {
      const { kind, channel, entityType, entityId, eventId } = record
      return { ...row, kind, channel, entityType, entityId, eventId }
    }
    case 'erasure': {
      const { kind, channel, entityHash } = record
      return { ...row, kind, channel, properties: JSON.stringify({ entityHash }) }
    }
    case 'data-delete':
      return { ...row, kind: record.kind, channel: record.channel ?? ALL_CHANNELS }
    case 'barrier': {
      const { kind, engineId, versionId } = record
      return {
        ...row,
        kind,
        channel: ALL_CHANNELS,
        properties: JSON.stringify({ engineId, versionId }),
      }
    }
  }
}
