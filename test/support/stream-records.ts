// Short ways to write records of the event log in tests.
import { encodeRecord } from '#schemas/codec'
import type { Event } from '#schemas/event'
import type {
  DataDeleteRecord,
  DeletionRecord,
  EventRecord,
  LogRecord,
  Placed,
} from '#schemas/record'

const TIME = 1_700_000_000_000

export function eventRecord(
  fields: Partial<Event> & {
    readonly app?: number
    readonly channel?: number
    readonly appendId?: string
  },
): EventRecord {
  const { app = 1, channel = 0, appendId = '', ...event } = fields
  return {
    kind: 'event',
    app,
    channel,
    appendId,
    event: {
      eventId: 'e',
      event: 'view',
      entityType: 'user',
      entityId: 'u1',
      targetEntityType: null,
      targetEntityId: null,
      properties: '{}',
      eventTime: TIME,
      eventTimeOffset: 0,
      prId: null,
      creationTime: TIME,
      ...event,
    },
  }
}

/** A user's event that points to an item. */
export function viewOf(item: string, fields: Parameters<typeof eventRecord>[0] = {}): EventRecord {
  return eventRecord({
    targetEntityType: 'item',
    targetEntityId: item,
    eventId: `v-${item}`,
    ...fields,
  })
}

/** A `$set` of an item. */
export function setItem(
  item: string,
  properties: object,
  fields: Parameters<typeof eventRecord>[0] = {},
): EventRecord {
  return eventRecord({
    event: '$set',
    entityType: 'item',
    entityId: item,
    eventId: `s-${item}`,
    properties: JSON.stringify(properties),
    ...fields,
  })
}

export function deletionOf({ app, channel, event }: EventRecord): DeletionRecord {
  const { entityType, entityId, eventId } = event
  return {
    kind: 'deletion',
    app,
    channel,
    appendId: '',
    entityType,
    entityId,
    eventId,
    creationTime: TIME,
  }
}

export function dataDelete(app: number, channel: number | null = null): DataDeleteRecord {
  return { kind: 'data-delete', app, channel, appendId: '', creationTime: TIME }
}

/** Records placed one behind the other in partition 0. */
export function placed(records: readonly LogRecord[], from = 0): Placed[] {
  return records.map((record, i) => ({ generation: 0, partition: 0, offset: from + i, record }))
}

export const encoded = (records: readonly LogRecord[]): Buffer[] => records.map(encodeRecord)
