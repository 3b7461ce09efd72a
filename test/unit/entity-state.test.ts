import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  compareStamps,
  EMPTY_STATE,
  evolve,
  exists,
  isDeleted,
  parsedProperties,
  visibleProperties,
} from '#schemas/entity-state'
import type { Event } from '#schemas/event'
import { members } from '#schemas/json-members'
import { parseJson } from '#schemas/lenient-json'
import type { EntityState } from '#schemas/state'
import { jsonObjectText } from '../support/arbitraries.ts'

interface Write {
  readonly event: string
  readonly properties: string
  readonly time: number
  readonly offset: number
  readonly generation?: number
}

function fold(writes: readonly Write[], from: EntityState = EMPTY_STATE): EntityState {
  return writes.reduce((state, { event, properties, time, offset, generation = 0 }) => {
    const whole: Event = {
      eventId: String(offset),
      event,
      entityType: 'item',
      entityId: 'i1',
      targetEntityType: null,
      targetEntityId: null,
      properties,
      eventTime: time,
      eventTimeOffset: 0,
      prId: null,
      creationTime: 0,
    }
    return evolve(state, whole, { generation, offset })
  }, from)
}

const set = (time: number, offset: number, properties: string): Write => ({
  event: '$set',
  properties,
  time,
  offset,
})
const unset = (time: number, offset: number, properties: string): Write => ({
  event: '$unset',
  properties,
  time,
  offset,
})
const remove = (time: number, offset: number): Write => ({
  event: '$delete',
  properties: '{}',
  time,
  offset,
})
const shown = (...writes: Write[]): Record<string, unknown> => parsedProperties(fold(writes))

describe('entity state', () => {
  it('merges keys, the later time wins', () => {
    assert.deepEqual(shown(set(1, 0, '{"a":1,"b":1}'), set(2, 1, '{"b":2,"c":2}')), {
      a: 1,
      b: 2,
      c: 2,
    })
  })

  it('lets a late event write only what nothing newer wrote', () => {
    assert.deepEqual(shown(set(5, 0, '{"a":5}'), set(3, 1, '{"a":3,"b":3}')), { a: 5, b: 3 })
    assert.deepEqual(shown(unset(5, 0, '{"a":0}'), set(3, 1, '{"a":3,"b":3}')), { b: 3 })
    assert.deepEqual(shown(set(1, 0, '{"a":1}'), remove(5, 1), set(3, 2, '{"b":3}')), {})
  })

  it('decides equal times by position, and positions by generation first', () => {
    assert.deepEqual(shown(set(1, 7, '{"a":7}'), set(1, 3, '{"a":3}')), { a: 7 })
    assert.deepEqual(shown({ ...set(1, 0, '{"a":0}'), generation: 1 }, set(1, 9, '{"a":9}')), {
      a: 0,
    })
    assert.deepEqual(shown(set(1, 0, '{"a":0}'), remove(1, 1)), {})
    assert.deepEqual(shown(remove(1, 0), set(1, 1, '{"a":1}')), { a: 1 })
  })

  it('starts fresh after a $delete', () => {
    assert.deepEqual(shown(set(1, 0, '{"a":1}'), remove(2, 1), set(3, 2, '{"b":3}')), { b: 3 })
  })

  it('exists by an empty $set, and not by an $unset', () => {
    assert.equal(exists(fold([set(1, 0, '{}')])), true)
    assert.equal(exists(fold([unset(1, 0, '{"a":1}')])), false)
    assert.equal(isDeleted(fold([unset(1, 0, '{"a":1}')])), false)
    assert.equal(isDeleted(fold([remove(1, 0)])), true)
    assert.equal(isDeleted(fold([remove(1, 0), set(2, 1, '{}')])), false)
    assert.equal(exists(EMPTY_STATE) || isDeleted(EMPTY_STATE), false)
  })

  it('keeps the first and last time over all three kinds, also over a $delete', () => {
    const { firstUpdated, lastUpdated } = fold([
      set(5, 0, '{}'),
      remove(9, 1),
      unset(2, 2, '{"a":1}'),
    ])
    assert.deepEqual([firstUpdated, lastUpdated], [2, 9])
  })

  it('leaves everything as it is for any other event', () => {
    const state = fold([set(1, 0, '{"a":1}')])
    assert.equal(fold([{ ...set(9, 9, '{"a":9}'), event: 'view' }], state), state)
  })

  it('keeps the digits of values and keys like __proto__', () => {
    const state = fold([set(1, 0, '{"a":5.0,"__proto__":{"x":1}}')])
    assert.equal(visibleProperties(state).get('a'), '5.0')
    const parsed = parsedProperties(state)
    assert.deepEqual(Object.keys(parsed), ['a', '__proto__'])
    assert.equal(Object.getPrototypeOf(parsed), Object.prototype)
  })
})

/** Writes as a client could send them; each has a place of its own, times often meet. */
const writes: fc.Arbitrary<Write[]> = fc
  .array(
    fc.record({
      event: fc.constantFrom('$set', '$set', '$unset', '$delete', 'view'),
      properties: fc.constantFrom(
        '{}',
        '{"a":1}',
        '{"a":2,"b":"x"}',
        '{"b":[1,{"c":","}]}',
        '{"c":null}',
      ),
      time: fc.integer({ min: 0, max: 5 }),
    }),
    { maxLength: 12 },
  )
  .map((list) => list.map((write, offset) => ({ ...write, offset })))

/** The same by PredictionIO's local fold: sort by time, then apply one after the other. */
function folded(sent: readonly Write[]): Record<string, unknown> | null {
  let properties: Map<string, unknown> | null = null
  for (const { event, properties: text } of [...sent].sort(
    (a, b) => a.time - b.time || a.offset - b.offset,
  )) {
    const given = Object.entries(JSON.parse(text) as Record<string, unknown>)
    if (event === '$delete') properties = null
    if (event === '$set') {
      properties ??= new Map()
      for (const [key, value] of given) properties.set(key, value)
    }
    if (event === '$unset') for (const [key] of given) properties?.delete(key)
  }
  return properties === null ? null : Object.fromEntries(properties)
}

describe('entity state: any order', () => {
  it('is the same whatever the order of arrival, and whatever is repeated', () => {
    const shuffled = writes.chain((sent) =>
      fc.tuple(
        fc.constant(sent),
        fc.shuffledSubarray([...sent, ...sent], { minLength: 2 * sent.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([sent, arrived]) => {
        assert.deepEqual(fold(arrived), fold(sent))
      }),
      { numRuns: 2000 },
    )
  })

  it('shows what PredictionIO’s fold in order of time shows', () => {
    fc.assert(
      fc.property(writes, (sent) => {
        const state = fold(sent)
        const expected = folded(sent)
        assert.equal(exists(state), expected !== null)
        assert.deepEqual(parsedProperties(state), expected ?? {})
      }),
      { numRuns: 2000 },
    )
  })

  it('orders stamps totally', () => {
    const stamp = fc.option(
      fc.record({ eventTime: fc.nat(2), generation: fc.nat(2), offset: fc.nat(2) }),
      { nil: null },
    )
    fc.assert(
      fc.property(stamp, stamp, stamp, (a, b, c) => {
        const sign = (n: number): number => Math.sign(n)
        assert.equal(sign(compareStamps(a, b)) + sign(compareStamps(b, a)), 0)
        if (compareStamps(a, b) <= 0 && compareStamps(b, c) <= 0)
          assert.ok(compareStamps(a, c) <= 0)
      }),
    )
  })
})

describe('members of a JSON object', () => {
  it('are those of JSON.parse, each with its own text', () => {
    fc.assert(
      fc.property(jsonObjectText, (text) => {
        const parsed = JSON.parse(text) as Record<string, unknown>
        const found = members(text)
        assert.deepEqual(new Set(found.keys()), new Set(Object.keys(parsed)))
        for (const [key, value] of found) assert.equal(value, JSON.stringify(parsed[key]))
      }),
      { numRuns: 1000 },
    )
  })

  it('keep the digits, brackets in strings and a later duplicate', () => {
    const text = '{"a":1.0E-7,"b":"}],{\\"","a\\"":[1,{"x":":,"}],"a":12345678901234567890}'
    assert.deepEqual(
      [...members(text)],
      [
        ['a', '12345678901234567890'],
        ['b', '"}],{\\""'],
        ['a"', '[1,{"x":":,"}]'],
      ],
    )
    assert.deepEqual([...members('{}')], [])
  })

  it('are whole for whatever the rules let through', () => {
    const parsed = parseJson('{"a" : [5.0 , {"b":1e3}],"c":"\\u007b\\"," "d":012}')
    assert.ok(parsed.ok)
    assert.deepEqual(
      [...members(JSON.stringify(parsed.value))],
      [
        ['a', '[5.0,{"b":1000.0}]'],
        ['c', '"{\\","'],
        ['d', '12'],
      ],
    )
  })
})
