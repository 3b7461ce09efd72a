// From columns back to records: the opposite of `row-group.ts`.
import type { ArchivedRecord } from '#schemas/record'
import type { Columns } from './parquet-reader.ts'
import { ALL_CHANNELS } from './row-group.ts'
import type { FileColumn } from './schema.ts'

/** Makes records of the rows of a row group in which all columns were read. */
export function recordReader(app: number, columns: Columns): (row: number) => ArchivedRecord {
  const nullable = (name: FileColumn) => {
    const values = columns.text(name)
    return (row: number): string | null => values[row] ?? null
  }
  const text = (name: FileColumn) => {
    const values = columns.text(name)
    return (row: number): string => values[row] ?? ''
  }
  const number = (name: FileColumn) => {
    const values = columns.numbers(name)
    return (row: number): number => values[row] as number
  }
  const channelOf = number('channel')
  const appendId = text('appendId')
  const creationTime = number('creationTime')
  const properties = text('properties')
  const entity = { type: text('entityType'), id: text('entityId'), eventId: text('eventId') }
  const target = { type: nullable('targetEntityType'), id: nullable('targetEntityId') }
  const event = text('event')
  const prId = nullable('prId')
  const eventTime = number('eventTime')
  const eventTimeOffset = number('eventTimeOffset')
  const identityOf = number('identity')
  const kinds = columns.text('kind')

  const entityOf = (row: number) => ({
    entityType: entity.type(row),
    entityId: entity.id(row),
    eventId: entity.eventId(row),
  })
  return (row) => {
    const kind = kinds[row] as ArchivedRecord['kind']
    const channel = channelOf(row)
    const common = { appendId: appendId(row), creationTime: creationTime(row) }
    switch (kind) {
      case 'event':
        return {
          kind,
          app,
          channel,
          appendId: common.appendId,
          event: {
            ...entityOf(row),
            event: event(row),
            targetEntityType: target.type(row),
            targetEntityId: target.id(row),
            properties: properties(row),
            eventTime: eventTime(row),
            eventTimeOffset: eventTimeOffset(row),
            prId: prId(row),
            creationTime: common.creationTime,
          },
        }
      case 'deletion':
        return { kind, app, channel, ...common, ...entityOf(row) }
      case 'erasure':
        return { kind, app, channel, ...common, entityHash: member(properties(row), 'entityHash') }
      case 'data-delete':
        return { kind, app, channel: channel === ALL_CHANNELS ? null : channel, ...common }
      case 'tombstone':
        return {
          kind,
          app,
          channel,
          identity: member(properties(row), 'identity'),
          number: identityOf(row),
          append: common.appendId,
          event: event(row),
          targetEntityType: target.type(row),
          targetEntityId: target.id(row),
          creationTime: common.creationTime,
        }
      case 'barrier': {
        const engineId = member(properties(row), 'engineId')
        return { kind, app, ...common, engineId, versionId: member(properties(row), 'versionId') }
      }
    }
  }
}

function member(properties: string, name: string): string {
  return (JSON.parse(properties) as Record<string, string>)[name] ?? ''
}
