import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatEvent, formatTime } from '#schemas/event-format'
import { readEvent } from '#schemas/event-rules'
import { parseEventTime, parseQueryTime } from '#schemas/event-time'
import { parseJson } from '#schemas/lenient-json'
import { eventArbitrary } from '../support/arbitraries.ts'

const offsets = fc.integer({ min: -1439, max: 1439 })
/** From year -9999 to year 99999. */
const times = fc.integer({ min: -377_673_494_400_000, max: 3_093_527_980_799_999 })

describe('event time', () => {
  const accepted: readonly (readonly [string, string, number])[] = [
    ['2014-11-02T09:39:45Z', '2014-11-02T09:39:45.000Z', 0],
    ['2014-11-02T09:39:45z', '2014-11-02T09:39:45.000Z', 0],
    ['2014-11-02T09:39:45.6Z', '2014-11-02T09:39:45.600Z', 0],
    ['2014-11-02T09:39:45.61Z', '2014-11-02T09:39:45.610Z', 0],
    ['2014-11-02T09:39:45.618999Z', '2014-11-02T09:39:45.618Z', 0],
    ['2014-11-02T09:39:45.123456789Z', '2014-11-02T09:39:45.123Z', 0],
    ['2014-11-02T09:39:45-00:00', '2014-11-02T09:39:45.000Z', 0],
    ['2014-11-02T09:39:45+0530', '2014-11-02T04:09:45.000Z', 330],
    ['2014-11-02T09:39:45+05', '2014-11-02T04:39:45.000Z', 300],
    ['2014-11-02T09:39:45-07:53', '2014-11-02T17:32:45.000Z', -473],
    ['2014-11-02T09:39:45+23:59', '2014-11-01T09:40:45.000Z', 1439],
    ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z', 0],
    ['2012-02-29T00:00:00Z', '2012-02-29T00:00:00.000Z', 0],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z', 0],
    ['12014-11-02T09:39:45Z', '+012014-11-02T09:39:45.000Z', 0],
    ['-0001-11-02T09:39:45Z', '-000001-11-02T09:39:45.000Z', 0],
    ['2014-1-2T9:3:5Z', '2014-01-02T09:03:05.000Z', 0],
    ['2014-1-2T9:3:5.25+01:00', '2014-01-02T08:03:05.250Z', 60],
  ]
  for (const [text, iso, offset] of accepted) {
    it(`reads ${text}`, () => {
      const parsed = parseEventTime(text)
      assert.ok(parsed !== null)
      assert.deepEqual([new Date(parsed.time).toISOString(), parsed.offset], [iso, offset])
    })
  }

  const refused = [
    ...['', 'abc', 'now', '2014-11-02', '2014-11-02T09:39:45', '2014-11-02T09:39Z'],
    ...['2014-11-02T09Z', '20141102T093945Z', '2014-11-02T24:00:00Z', '2014-11-02T09:60:00Z'],
    ...['2014-11-02T09:39:60Z', ' 2014-11-02T09:39:45Z', '2014-11-02T09:39:45Z '],
    ...['2014-11-02T09:39:45,5Z', '2014-11-02T09:39:45.Z', '2014-11-02T09:39:45+24:00'],
    ...['2014-11-02T09:39:45+00:60', '2014-11-02T09:39:45-8:00', '2014-11-02T09:39:45+05:3'],
    ...['2014-11-02T09:39:45 UTC', '2014-11-02T09:39:45Europe/Paris', '2014-11-02 09:39:45Z'],
    ...['2014-W45-1T09:39:45Z', '2014-11-02T09:39:45.1234567891Z', '2014-13-02T09:39:45Z'],
    ...['2014-00-02T09:39:45Z', '2014-11-31T09:39:45Z', '2014-02-29T09:39:45Z'],
    ...[
      '2014-11-00T09:39:45Z',
      '1900-02-29T00:00:00Z',
      '275999-01-01T00:00:00Z',
      '2014-1-32T9:3:5Z',
    ],
    ...['2014-11-02T09:39:45.5.5Z', '2014-11-02T09:39:45+05:30:15', '2014-11-02T0a:39:45Z'],
  ]
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseEventTime(text), null))
  }

  it('reads what it prints, in any offset', () => {
    fc.assert(
      fc.property(times, offsets, (time, offset) => {
        assert.deepEqual(parseEventTime(formatTime(time, offset)), { time, offset })
      }),
      { numRuns: 2000 },
    )
  })

  it('agrees with Date where both read a time', () => {
    const common = fc.integer({ min: 0, max: 253_402_300_799_999 })
    fc.assert(
      fc.property(common, (time) => {
        const iso = new Date(time).toISOString()
        assert.equal(parseEventTime(iso)?.time, time)
        assert.equal(formatTime(time, 0), iso)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('query time', () => {
  const accepted: readonly (readonly [string, string])[] = [
    ['2014', '2014-01-01T00:00:00.000Z'],
    ['2014-11', '2014-11-01T00:00:00.000Z'],
    ['2014-11-01', '2014-11-01T00:00:00.000Z'],
    ['2014-11-01T', '2014-11-01T00:00:00.000Z'],
    ['2014-11-01T10', '2014-11-01T10:00:00.000Z'],
    ['2014-11-01T10:20', '2014-11-01T10:20:00.000Z'],
    ['2014-11-01T10:20:30', '2014-11-01T10:20:30.000Z'],
    ['2014-11-01T10:20:30.5', '2014-11-01T10:20:30.500Z'],
    ['2014-11-01T10:20:30,25Z', '2014-11-01T10:20:30.250Z'],
    ['2014-11-01T10:20Z', '2014-11-01T10:20:00.000Z'],
    ['2014-11-22T22:00:00-08:00', '2014-11-23T06:00:00.000Z'],
    ['2014-11-01T+01:00', '2014-10-31T23:00:00.000Z'],
  ]
  for (const [text, iso] of accepted) {
    it(`reads ${text}`, () => {
      const parsed = parseQueryTime(text)
      assert.ok(parsed.ok)
      assert.equal(new Date(parsed.time).toISOString(), iso)
    })
  }

  const refused: readonly (readonly [string, string])[] = [
    ['', 'Invalid format: ""'],
    ['abc', 'Invalid format: "abc"'],
    ['1414921185618', 'Invalid format: "1414921185618" is malformed at "5618"'],
    [
      '2014-11-23T10:00:00.000 05:30',
      'Invalid format: "2014-11-23T10:00:00.000 05:30" is malformed at " 05:30"',
    ],
    ['2014-11-01x', 'Invalid format: "2014-11-01x" is malformed at "x"'],
    [
      '2014-13-01',
      'Cannot parse "2014-13-01": Value 13 for monthOfYear must be in the range [1,12]',
    ],
    [
      '2014-02-30',
      'Cannot parse "2014-02-30": Value 30 for dayOfMonth must be in the range [1,28]',
    ],
    [
      '2014-11-01T24:00',
      'Cannot parse "2014-11-01T24:00": Value 24 for hourOfDay must be in the range [0,23]',
    ],
  ]
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseQueryTime(text), { ok: false, message })
    })
  }

  it('reads whatever a body’s time is read from, alike', () => {
    fc.assert(
      fc.property(times, offsets, (time, offset) => {
        const text = formatTime(time, offset)
        assert.deepEqual(parseQueryTime(text), { ok: true, ...parseEventTime(text) })
      }),
    )
  })

  it('answers any text, and never with a long message', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const parsed = parseQueryTime(text)
        assert.ok(parsed.ok ? Number.isFinite(parsed.time) : parsed.message.length < 300)
      }),
    )
  })
})

describe('event format', () => {
  it('prints the fields in their order and leaves absent ones out', () => {
    const event = {
      eventId: 'e"1',
      event: 'view',
      entityType: 'user',
      entityId: 'ü\u0000',
      targetEntityType: null,
      targetEntityId: null,
      properties: '{"d":5.0}',
      eventTime: Date.parse('2014-11-02T17:39:45.618Z'),
      eventTimeOffset: -480,
      prId: null,
      creationTime: 0,
    }
    const start = '{"eventId":"e\\"1","event":"view","entityType":"user","entityId":"ü\\u0000"'
    const end = '"creationTime":"1970-01-01T00:00:00.000Z"}'
    const time = '"eventTime":"2014-11-02T09:39:45.618-08:00"'
    assert.equal(formatEvent(event), `${start},"properties":{"d":5.0},${time},${end}`)
    assert.equal(
      formatEvent({ ...event, targetEntityType: 'item', targetEntityId: 'i', prId: '' }),
      `${start},"targetEntityType":"item","targetEntityId":"i","properties":{"d":5.0},${time},"prId":"",${end}`,
    )
  })

  it('prints what the rules read back as the same event', () => {
    const good = eventArbitrary.map((event) => ({
      ...event,
      event: `a${event.event}`,
      entityType: `b${event.entityType}`,
      entityId: `c${event.entityId}`,
      targetEntityType: event.targetEntityId === null ? null : `d${event.targetEntityType}`,
      targetEntityId: event.targetEntityId === null ? null : `e${event.targetEntityId}`,
      properties: '{"a":[1.0E-7,"x"]}',
    }))
    fc.assert(
      fc.property(good, (event) => {
        const parsed = parseJson(formatEvent(event))
        assert.ok(parsed.ok)
        const reading = readEvent(parsed.value, 1)
        const { creationTime, ...draft } = event
        assert.ok(creationTime >= 0)
        assert.deepEqual(reading, { ok: true, event: draft })
      }),
    )
  })
})
