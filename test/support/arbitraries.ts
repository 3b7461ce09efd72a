// Random records and events for property tests.
import fc from 'fast-check'
import type { Event } from '#schemas/event'
import type { LogRecord } from '#schemas/record'

/** fast-check's record without its objects that have no prototype: ours always have one. */
const record = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true }) as fc.Arbitrary<T>

/** Well-formed text of any planes, as ids and names are after the rules. */
export const wellFormedText = fc.string({ unit: 'binary', maxLength: 12 })

export const jsonObjectText = fc
  .dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 })
  .map((value) => JSON.stringify(value))

export const eventArbitrary: fc.Arbitrary<Event> = record({
  eventId: wellFormedText,
  event: wellFormedText,
  entityType: wellFormedText,
  entityId: wellFormedText,
  targetEntityType: fc.option(wellFormedText),
  targetEntityId: fc.option(wellFormedText),
  properties: jsonObjectText,
  eventTime: fc.integer({ min: -6e13, max: 4e14 }),
  eventTimeOffset: fc.integer({ min: -1439, max: 1439 }),
  prId: fc.option(wellFormedText),
  creationTime: fc.integer({ min: 0, max: 4e12 }),
})

const number = fc.integer({ min: 0, max: 2 ** 31 - 1 })
const time = fc.integer({ min: 0, max: 4e12 })
const hash = fc
  .bigInt({ min: 0n, max: 2n ** 64n - 1n })
  .map((value) => value.toString(16).padStart(16, '0'))

export const recordArbitrary: fc.Arbitrary<LogRecord> = fc.oneof(
  record({
    kind: fc.constant('event' as const),
    app: number,
    channel: number,
    appendId: wellFormedText,
    event: eventArbitrary,
  }),
  record({
    kind: fc.constant('deletion' as const),
    app: number,
    channel: number,
    appendId: wellFormedText,
    entityType: wellFormedText,
    entityId: wellFormedText,
    eventId: wellFormedText,
    creationTime: time,
  }),
  record({
    kind: fc.constant('erasure' as const),
    app: number,
    channel: number,
    appendId: wellFormedText,
    entityHash: hash,
    creationTime: time,
  }),
  record({
    kind: fc.constant('data-delete' as const),
    app: number,
    channel: fc.option(number),
    appendId: wellFormedText,
    creationTime: time,
  }),
  record({
    kind: fc.constant('barrier' as const),
    app: number,
    engineId: wellFormedText,
    versionId: wellFormedText,
    appendId: wellFormedText,
    creationTime: time,
  }),
)
