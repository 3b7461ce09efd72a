import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PROPERTIES_DEPTH_MAX } from '#schemas/event-rules'
import { acceptedBody, body, NOW, readBody, TARGET } from '../support/event-bodies.ts'

describe('event rules: what is accepted', () => {
  it('takes the smallest event and fills in the time', () => {
    assert.deepEqual(acceptedBody(body('')), {
      eventId: null,
      event: 'view',
      entityType: 'user',
      entityId: 'u1',
      targetEntityType: null,
      targetEntityId: null,
      properties: '{}',
      eventTime: NOW,
      eventTimeOffset: 0,
      prId: null,
    })
  })

  it('takes every field, and ignores those it does not know', () => {
    const event = acceptedBody(
      body(
        `"eventId":"e",${TARGET},"properties":{ "a" : [ 1 ] },"eventTime":"2014-11-02T09:39:45.618-08:00","prId":"p","appId":4,"tags":["x"],"creationTime":"x"`,
      ),
    )
    assert.deepEqual(event, {
      eventId: 'e',
      event: 'view',
      entityType: 'user',
      entityId: 'u1',
      targetEntityType: 'item',
      targetEntityId: 'i',
      properties: '{"a":[1]}',
      eventTime: Date.parse('2014-11-02T17:39:45.618Z'),
      eventTimeOffset: -480,
      prId: 'p',
    })
  })

  it('takes null for every optional field', () => {
    const nulls = [
      'eventId',
      'targetEntityType',
      'targetEntityId',
      'properties',
      'eventTime',
      'prId',
    ]
    assert.deepEqual(
      acceptedBody(body(nulls.map((name) => `"${name}":null`).join(','))),
      acceptedBody(body('')),
    )
  })

  for (const [number, text] of [
    ['1', '1'],
    ['-3', '-3'],
    ['012', '12'],
    ['+1', '1'],
    ['1.0', '1.0'],
    ['1e10', '1.0E10'],
    ['0.00001', '1.0E-5'],
    ['2.5', '2.5'],
    ['12345678901234567890', '12345678901234567890'],
  ] as const) {
    it(`takes the number ${number} as an id as Java prints it`, () => {
      assert.equal(acceptedBody(body(`"entityId":${number}`)).entityId, text)
    })
  }

  it('keeps the digits of numbers in properties', () => {
    const sent =
      '{"d":5.0,"d2":0.1,"big":123456789012345678901234567890,"exp":1e3,"small":1e-7,"zero":-0.0,"i":1}'
    const kept =
      '{"d":5.0,"d2":0.1,"big":123456789012345678901234567890,"exp":1000.0,"small":1.0E-7,"zero":0.0,"i":1}'
    assert.equal(acceptedBody(body(`"properties":${sent}`)).properties, kept)
  })

  it('takes what only looks reserved', () => {
    acceptedBody(body('"event":"a$b"'))
    acceptedBody(
      body('"entityType":"pio_pr","event":"predict","properties":{"query":{"$x":1,"pio_y":2}}'),
    )
    acceptedBody(body('"event":"$delete","properties":{"a":1}'))
    acceptedBody(body('"event":"pio"'))
  })

  it('takes an id of exactly 1,024 bytes, counted in UTF-8', () => {
    assert.equal(acceptedBody(body(`"entityId":"${'é'.repeat(512)}"`)).entityId.length, 512)
    assert.equal(readBody(body(`"entityId":"${'é'.repeat(513)}"`)).ok, false)
    for (const field of ['event', 'entityType', 'eventId', 'prId']) {
      assert.equal(readBody(body(`"${field}":"${'é'.repeat(513)}"`)).ok, false, field)
    }
    const target = (type: string, id: string): string =>
      body(`"targetEntityType":"${type}","targetEntityId":"${id}"`)
    assert.equal(readBody(target('t'.repeat(1025), 'i')).ok, false)
    assert.equal(readBody(target('t', 'i'.repeat(1025))).ok, false)
  })

  it('takes properties as deep as the limit, and brackets in strings for what they are', () => {
    const levels = PROPERTIES_DEPTH_MAX - 1
    acceptedBody(body(`"properties":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`))
    acceptedBody(body(`"properties":{"a":"${'[\\"'.repeat(2000)}","b":"\\\\"}`))
  })

  it('refuses properties so deep that printing them would overflow the stack', () => {
    const levels = 200_000
    const reading = readBody(body(`"properties":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`))
    assert.equal(reading.ok ? 'accepted' : reading.code, 'PROPERTIES_TOO_DEEP')
  })

  it('takes __proto__ as a key like any other', () => {
    for (const number of ['1', '5.0']) {
      const event = acceptedBody(body(`"properties":{"__proto__":{"a":${number}}}`))
      assert.equal(event.properties, `{"__proto__":{"a":${number}}}`)
    }
    const missing = readBody('{"__proto__":{"event":"view"},"entityType":"user","entityId":"u1"}')
    assert.equal(missing.ok ? 'accepted' : missing.code, 'EVENT_FIELD_MISSING')
    assert.equal(({} as { event?: unknown }).event, undefined)
  })
})
