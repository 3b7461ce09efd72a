import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ARCHIVE_COLUMNS } from '#ports/archive'
import { effective } from '#schemas/effective'
import type { Event } from '#schemas/event'
import { entityHash } from '#schemas/hashes'
import type { LogRecord, Placed } from '#schemas/record'
import { findDead } from '../../infra/archive/liveness.ts'
import { openScan } from '../../infra/archive/scan.ts'
import { archiveOver, gather, upTo } from '../support/archive-fixture.ts'
import {
  dataDelete,
  deletionOf,
  eventRecord,
  placed,
  setItem,
  viewOf,
} from '../support/stream-records.ts'

// Small worlds in which ids, entities and appends collide all the time.
const few = (prefix: string, count: number) =>
  fc.integer({ min: 0, max: count - 1 }).map((i) => `${prefix}${i}`)
const collidingRecord: fc.Arbitrary<LogRecord> = fc
  .record(
    {
      kind: fc.constantFrom(
        'event',
        'event',
        'event',
        'event',
        'deletion',
        'erasure',
        'data-delete',
        'barrier',
      ),
      app: fc.constantFrom(1, 1, 1, 2),
      channel: fc.constantFrom(0, 0, 0, 1),
      user: few('u', 3),
      item: few('i', 3),
      eventId: few('e', 4),
      appendId: fc.constantFrom('', 'a', 'b', 'c'),
      number: fc.integer({ min: 0, max: 2 }),
      all: fc.boolean(),
    },
    { noNullPrototype: true },
  )
  .map(({ kind, app, channel, user, item, eventId, appendId, number, all }): LogRecord => {
    const properties = JSON.stringify({ number })
    const event = eventRecord({
      app,
      channel,
      appendId,
      eventId,
      entityId: user,
      properties,
      ...(number === 0 ? {} : { targetEntityType: 'item', targetEntityId: item }),
    })
    const creationTime = 5
    switch (kind) {
      case 'event':
        return event
      case 'deletion':
        return deletionOf(event)
      case 'erasure':
        return {
          kind,
          app,
          channel,
          appendId,
          creationTime,
          entityHash: all ? entityHash('user', user) : entityHash('item', item),
        }
      case 'data-delete':
        return dataDelete(app, all ? null : channel)
      default:
        return { kind: 'barrier', app, engineId: 'e', versionId: 'v', appendId, creationTime }
    }
  })

describe('archive: effective events', () => {
  const expected = (records: readonly Placed[], end: number): Placed[] =>
    effective(records.filter(({ offset }) => offset < end)).filter(
      ({ record }) => record.kind === 'event' && record.app === 1 && record.channel === 0,
    )

  it('are those of the reference, whatever collides', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(collidingRecord, { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 30 }),
        fc.nat(50),
        async (records, size, before) => {
          const all = placed(records)
          const { archive, write } = archiveOver()
          await write(all, size)
          const end = Math.max(0, all.length - before)
          const request = { app: 1, channel: 0, upTo: upTo(end) }
          const wanted = expected(all, end)
          const events = await gather<Event>(archive.events(request))
          assert.deepEqual(
            events,
            wanted.map(({ record }) => (record.kind === 'event' ? record.event : null)),
          )
          const offsets: number[] = []
          const properties: string[] = []
          for await (const batch of archive.columns({ ...request, columns: ARCHIVE_COLUMNS })) {
            assert.equal(batch.rows, batch.offset.length)
            offsets.push(...batch.offset)
            properties.push(...(batch.properties ?? []))
          }
          assert.deepEqual(
            offsets,
            wanted.map(({ offset }) => offset),
          )
          assert.deepEqual(
            properties,
            events.map((event) => event.properties),
          )
        },
      ),
      { numRuns: 120 },
    )
  })

  it('are the same in many small passes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(collidingRecord, { minLength: 1, maxLength: 50 }),
        async (records) => {
          const { archive, files, write } = archiveOver()
          await write(placed(records), 10)
          const scan = await openScan(files, await archive.ranges(), {
            app: 1,
            channel: 0,
            upTo: upTo(records.length),
          })
          const whole = await findDead(scan, { channel: 0 })
          const small = await findDead(scan, { channel: 0, rowsAPass: 7, identitiesAPass: 2 })
          for (let row = 0; row < scan.rows; row++)
            assert.equal(small.has(row), whole.has(row), `row ${row}`)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('follow an entity through its states', async () => {
    const set = setItem('a', { n: 1 })
    const { archive, write } = archiveOver()
    await write(placed([set, set, deletionOf(set), set, { ...set, appendId: 'again' }]), 2)
    const offsets: number[] = []
    for await (const batch of archive.columns({ app: 1, channel: 0, upTo: upTo(5), columns: [] })) {
      offsets.push(...batch.offset)
    }
    assert.deepEqual(offsets, [4])
  })

  it('stop when the caller does', async () => {
    const { archive, write } = archiveOver()
    await write(placed([viewOf('a')]))
    const signal = AbortSignal.abort()
    await assert.rejects(gather(archive.events({ app: 1, channel: 0, upTo: upTo(1), signal })), {
      name: 'AbortError',
    })
  })
})
