import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  APPENDS_REMEMBERED,
  contentHash,
  decide,
  effective,
  ends,
  type IdentityState,
  type IdentityVerdict,
  identityKey,
} from '#schemas/effective'
import { entityHash } from '#schemas/hashes'
import { orderOf } from '#schemas/position'
import type { EventRecord, LogRecord, Placed } from '#schemas/record'

const event = (over: Partial<EventRecord['event']> = {}, appendId = ''): EventRecord => ({
  kind: 'event',
  app: 1,
  channel: 0,
  appendId,
  event: {
    eventId: 'e1',
    event: 'view',
    entityType: 'user',
    entityId: 'u1',
    targetEntityType: 'item',
    targetEntityId: 'i1',
    properties: '{}',
    eventTime: 5,
    eventTimeOffset: 0,
    prId: null,
    creationTime: 100,
    ...over,
  },
})
const deletion: LogRecord = {
  kind: 'deletion',
  app: 1,
  channel: 0,
  appendId: 'd',
  entityType: 'user',
  entityId: 'u1',
  eventId: 'e1',
  creationTime: 200,
}
const erasure = (type: string, id: string): LogRecord => ({
  kind: 'erasure',
  app: 1,
  channel: 0,
  appendId: 'x',
  entityHash: entityHash(type, id),
  creationTime: 200,
})
const dataDelete = (channel: number | null, app = 1): LogRecord => ({
  kind: 'data-delete',
  app,
  channel,
  appendId: 'y',
  creationTime: 200,
})
const barrier: LogRecord = {
  kind: 'barrier',
  app: 1,
  engineId: 'shop',
  versionId: 'v1',
  appendId: 'b',
  creationTime: 200,
}

const place = (records: readonly LogRecord[]): Placed[] =>
  records.map((record, offset) => ({ generation: 0, partition: 0, offset, record }))

/** Offsets of the records that count. */
const live = (...records: readonly LogRecord[]): number[] =>
  effective(place(records)).map(({ offset }) => offset)

/** Verdicts of records of one identity. */
function verdicts(...records: readonly LogRecord[]): IdentityVerdict[] {
  let state: IdentityState | undefined
  return records.map((record, offset) => {
    const decision = decide(state, offset, record)
    state = decision.state
    return decision.verdict
  })
}

describe('effective: one identity', () => {
  it('counts the first of two copies', () => {
    assert.deepEqual(verdicts(event(), event()), ['live', 'repeat'])
    assert.deepEqual(live(event(), event()), [0])
  })

  it('tells a repeat from an id that was used for something else', () => {
    assert.deepEqual(verdicts(event({}, 'a'), event({ properties: '{"x":1}' }, 'b')), [
      'live',
      'reused',
    ])
    assert.deepEqual(verdicts(event({}, 'a'), event({ creationTime: 101 }, 'b')), [
      'live',
      'repeat',
    ])
  })

  it('takes a retry of an event without a time of its own for a repeat', () => {
    const first = event({ eventTime: 100, creationTime: 100 }, 'a')
    const again = event({ eventTime: 103, creationTime: 103 }, 'b')
    assert.deepEqual(verdicts(first, again), ['live', 'repeat'])
  })

  it('lets an id be used anew after a deletion', () => {
    assert.deepEqual(verdicts(event({}, 'a'), deletion, event({}, 'b')), ['live', 'ended', 'live'])
  })

  it('refuses a second copy of one append, even after a deletion', () => {
    assert.deepEqual(verdicts(event({}, 'a'), deletion, event({}, 'a')), [
      'live',
      'ended',
      'repeat',
    ])
    assert.deepEqual(verdicts(event(), deletion, event()), ['live', 'ended', 'repeat'])
  })

  it('ignores a deletion of what is not there, and a barrier', () => {
    assert.deepEqual(verdicts(deletion, barrier, event(), barrier), [
      'none',
      'none',
      'live',
      'none',
    ])
  })

  it('remembers a bounded number of appends', () => {
    const uses = Array.from({ length: 40 }, (_, n) => [event({}, `a${n}`), deletion]).flat()
    let state: IdentityState | undefined
    for (const [order, record] of uses.entries()) state = decide(state, order, record).state
    assert.equal(state?.appends.length, APPENDS_REMEMBERED)
  })

  it('keeps entities, apps and channels apart', () => {
    const others = [
      event(),
      event({ entityId: 'u2' }),
      { ...event(), channel: 1 },
      { ...event(), app: 2 },
    ]
    assert.deepEqual(live(...others), [0, 1, 2, 3])
    assert.equal(new Set(others.map(identityKey)).size, 4)
  })

  it('never gives two identities one key', () => {
    const text = fc.string({ maxLength: 3, unit: fc.constantFrom('a', '1', ':', '/') })
    const parts = fc.record({ entityType: text, entityId: text, eventId: text })
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same =
          a.entityType === b.entityType && a.entityId === b.entityId && a.eventId === b.eventId
        assert.equal(identityKey(event(a)) === identityKey(event(b)), same)
      }),
      { numRuns: 2000 },
    )
  })

  it('goes on in a new generation of the log', () => {
    const old = { generation: 0, partition: 0, offset: 900, record: event({}, 'a') }
    const gone = { generation: 1, partition: 0, offset: 0, record: deletion }
    const anew = { generation: 1, partition: 0, offset: 1, record: event({}, 'b') }
    assert.deepEqual(effective([old, gone, anew]), [anew])
    assert.ok(orderOf(gone) > orderOf(old))
  })
})

describe('effective: erasure and data-delete', () => {
  it('ends what stands before an erasure, also where the entity is the target', () => {
    const mine = event({ eventId: 'a' })
    const other = event({ eventId: 'b', entityId: 'u2', targetEntityId: 'i2' })
    const toward = event({
      eventId: 'c',
      entityId: 'u2',
      targetEntityType: 'user',
      targetEntityId: 'u1',
    })
    assert.deepEqual(
      live(mine, other, toward, erasure('user', 'u1'), event({ eventId: 'd' })),
      [1, 4],
    )
  })

  it('ends a channel, or all of an app, and nothing of another', () => {
    const all = [event(), { ...event(), channel: 1 }, { ...event(), app: 2 }]
    assert.deepEqual(live(...all, dataDelete(0)), [1, 2])
    assert.deepEqual(live(...all, dataDelete(null)), [2])
    assert.deepEqual(live(...all, { ...erasure('user', 'u1'), channel: 1 } as LogRecord), [0, 2])
  })

  it('lets an id be used anew after an erasure, but not by the same append', () => {
    assert.deepEqual(live(event({}, 'a'), erasure('user', 'u1'), event({}, 'b')), [2])
    assert.deepEqual(live(event({}, 'a'), erasure('user', 'u1'), event({}, 'a')), [])
  })

  it('ends nothing by an event, a deletion or a barrier', () => {
    for (const record of [event(), deletion, barrier]) assert.equal(ends(record, event()), false)
  })
})

// A small world, so that ids, entities and appends meet often.
const pick = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const anyRecord: fc.Arbitrary<LogRecord> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        pick('e1', 'e2'),
        pick('u1', 'u2'),
        pick('i1', 'u1'),
        pick('', 'a', 'b', 'c'),
        pick(5, 6),
      )
      .map(([eventId, entityId, targetEntityId, appendId, eventTime]) =>
        event({ eventId, entityId, targetEntityType: 'user', targetEntityId, eventTime }, appendId),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(pick('e1', 'e2'), pick('u1', 'u2'))
      .map(([eventId, entityId]) => ({ ...deletion, eventId, entityId }) as LogRecord),
  },
  { weight: 1, arbitrary: pick('u1', 'u2', 'i1').map((id) => erasure('user', id)) },
  { weight: 1, arbitrary: pick(0, null, 1).map((channel) => dataDelete(channel)) },
  { weight: 1, arbitrary: pick(barrier) },
)
const history = fc.array(anyRecord, { maxLength: 25 }).map(place)

/** Decides one record after the other, as a sink does; may be given records it has seen. */
class Sink {
  readonly #states = new Map<string, IdentityState>()
  readonly #live = new Map<string, Placed<EventRecord>>()

  apply(placed: Placed): void {
    const { record } = placed
    if (record.kind === 'event' || record.kind === 'deletion') {
      this.#decide(identityKey(record), placed)
      return
    }
    for (const [key, { record: other }] of [...this.#live]) {
      if (ends(record, other)) this.#decide(key, placed)
    }
  }

  #decide(key: string, placed: Placed): void {
    const { state, verdict } = decide(this.#states.get(key), orderOf(placed), placed.record)
    this.#states.set(key, state)
    if (verdict === 'live') this.#live.set(key, placed as Placed<EventRecord>)
    if (verdict === 'ended') this.#live.delete(key)
  }

  get events(): Placed<EventRecord>[] {
    return [...this.#live.values()].sort((a, b) => a.offset - b.offset)
  }
}

/**
 * The definition, word for word, of a whole history at once: an event is live if no live one of its identity stands before
 * it and its append was not accepted before; it ends at the first record behind it that ends it.
 */
function byDefinition(records: readonly Placed[]): Placed<EventRecord>[] {
  const accepted: { placed: Placed<EventRecord>; end: number }[] = []
  for (const placed of records) {
    const { record } = placed
    if (record.kind !== 'event') continue
    const same = accepted.filter(
      (other) => identityKey(other.placed.record) === identityKey(record),
    )
    const append = record.appendId === '' ? record.event.eventId : record.appendId
    const isRepeat = same.some(
      ({ placed: { record: r } }) => (r.appendId === '' ? r.event.eventId : r.appendId) === append,
    )
    if (isRepeat || same.some(({ end }) => end > placed.offset)) continue
    const end = records.find(
      (other) =>
        other.offset > placed.offset &&
        (other.record.kind === 'deletion'
          ? identityKey(other.record) === identityKey(record)
          : ends(other.record, record)),
    )
    accepted.push({
      placed: placed as Placed<EventRecord>,
      end: end?.offset ?? Number.POSITIVE_INFINITY,
    })
  }
  return accepted.filter(({ end }) => end === Number.POSITIVE_INFINITY).map(({ placed }) => placed)
}

describe('effective: any history', () => {
  it('is what the definition says', () => {
    fc.assert(
      fc.property(history, (records) => {
        assert.deepEqual(effective(records), byDefinition(records))
      }),
      { numRuns: 2000 },
    )
  })

  it('comes out the same when any stretch is read again, any number of times', () => {
    const steps = fc.array(fc.tuple(fc.nat(24), fc.nat(24)), { maxLength: 5 })
    fc.assert(
      fc.property(history, steps, (records, rereads) => {
        const sink = new Sink()
        let done = 0
        for (const [back, forth] of rereads) {
          // A restart reads from somewhere at or before its place, never past the end.
          const from = Math.max(0, done - back)
          const to = Math.min(records.length, Math.max(done, from + forth))
          for (const placed of records.slice(from, to)) sink.apply(placed)
          done = Math.max(done, to)
        }
        for (const placed of records.slice(done)) sink.apply(placed)
        assert.deepEqual(sink.events, effective(records))
      }),
      { numRuns: 2000 },
    )
  })

  it('does not change when every record is read twice in a row', () => {
    fc.assert(
      fc.property(history, (records) => {
        const twice = records.flatMap((placed) => [placed, placed])
        assert.deepEqual(effective(twice), effective(records))
      }),
    )
  })

  it('has at most one live event an identity', () => {
    fc.assert(
      fc.property(history, (records) => {
        const keys = effective(records).map(({ record }) => identityKey(record))
        assert.equal(new Set(keys).size, keys.length)
      }),
    )
  })
})

describe('content hash', () => {
  it('tells apart all that a sender says', () => {
    const different = [
      event(),
      event({ event: 'buy' }),
      event({ targetEntityType: 'x' }),
      event({ targetEntityId: 'x' }),
      event({ targetEntityType: null, targetEntityId: null }),
      event({ properties: '{"a":1}' }),
      event({ eventTime: 6 }),
      event({ prId: 'p' }),
    ]
    assert.equal(new Set(different.map(contentHash)).size, different.length)
  })
})
