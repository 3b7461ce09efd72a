import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { describeJson } from '#schemas/json4s-text'
import { JsonNumber, javaDouble, NumberRangeError, parseJson } from '#schemas/lenient-json'

/** The value of a text, printed again. */
function printed(text: string): string {
  const parsed = parseJson(text)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.message)
  return JSON.stringify(parsed.value)
}

describe('lenient JSON: numbers', () => {
  const numbers: readonly (readonly [string, string])[] = [
    ['0', '0'],
    ['-0', '0'],
    ['5', '5'],
    ['-7', '-7'],
    ['5.0', '5.0'],
    ['-5.00', '-5.0'],
    ['4.5', '4.5'],
    ['4.50', '4.5'],
    ['0.001', '0.001'],
    ['0.0010', '0.001'],
    ['0.0009', '9.0E-4'],
    ['-0.0', '0.0'],
    ['1e3', '1000.0'],
    ['1E+3', '1000.0'],
    ['1e-7', '1.0E-7'],
    ['1.5e300', '1.5E300'],
    ['9999999.5', '9999999.5'],
    ['10000000.5', '1.00000005E7'],
    ['12345678.0', '1.2345678E7'],
    ['0.99999999999999999999', '1.0'],
    ['123456789012345', '123456789012345'],
    ['9007199254740993', '9007199254740993'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['3.141592653589793', '3.141592653589793'],
    ['012', '12'],
    ['+1', '1'],
    ['1.', '1.0'],
    ['+1.5', '1.5'],
    ['-.5', '-0.5'],
    ['000', '0'],
  ]
  for (const [sent, kept] of numbers) {
    it(`keeps ${sent} as ${kept}, wherever it stands`, () => {
      assert.equal(printed(`{"a":${sent}}`), `{"a":${kept}}`)
      assert.equal(printed(`[ ${sent} ]`), `[${kept}]`)
      assert.equal(printed(`[0,${sent},0]`), `[0,${kept},0]`)
      assert.equal(printed(`{"a": ${sent}\n}`), `{"a":${kept}}`)
    })
  }

  for (const bad of ['-', '+', '1e', '1.2.3', '1-2', '1e5.5', '--1', '.5']) {
    it(`refuses ${bad}`, () => assert.equal(parseJson(`{"a":${bad}}`).ok, false))
  }

  it('prints every double as Java does, and reads it back as the same', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = javaDouble(value)
        assert.match(text, /^-?\d+\.\d+(?:E-?\d+)?$/)
        assert.equal(Number(text), value === 0 ? 0 : value)
        assert.equal(printed(`[${text}]`), `[${text}]`)
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps every integer digit by digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), (value) => {
        assert.equal(printed(`[${value}]`), `[${value}]`)
      }),
    )
  })

  it('keeps every decimal fraction as a double, whichever way it was read', () => {
    const decimals = fc.tuple(
      fc.integer({ min: -99_999_999, max: 99_999_999 }),
      fc.nat({ max: 12 }),
    )
    fc.assert(
      fc.property(decimals, ([value, places]) => {
        const text = (value / 10 ** Math.min(places, 8)).toFixed(places)
        if (!text.includes('.')) return
        assert.equal(printed(`{"a":${text}}`), `{"a":${javaDouble(Number(text))}}`)
      }),
      { numRuns: 2000 },
    )
  })

  it('will not print a number that no double holds', () => {
    for (const text of ['1e400', '-1e400', `1${'0'.repeat(400)}`]) {
      const parsed = parseJson(`[${text}]`)
      assert.ok(parsed.ok)
      assert.throws(() => JSON.stringify(parsed.value), NumberRangeError)
    }
  })

  it('gives numbers whose text does not matter as numbers, others with their value', () => {
    const parsed = parseJson('[5.0, 4.5, 1e3, 7]')
    assert.ok(parsed.ok)
    const [a, b, c, d] = parsed.value as unknown[]
    assert.ok(a instanceof JsonNumber && c instanceof JsonNumber)
    assert.deepEqual([Number(a), b, Number(c), d], [5, 4.5, 1000, 7])
  })
})

describe('lenient JSON: tolerances', () => {
  const tolerated: readonly (readonly [string, string])[] = [
    ['{"a":1 "b":2}', '{"a":1,"b":2}'],
    ['{"a":1,,"b":2,}', '{"a":1,"b":2}'],
    ['[1 2,,3,]', '[1,2,3]'],
    ['{"a":1}{"a":2}', '{"a":1}'],
    ['[1] [2]', '[1]'],
    ['{"a":"x\ny\tz"}', '{"a":"x\\ny\\tz"}'],
    ['{"a":"a\\x"}', '{"a":"a\\\\"}'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ['{"a"::1}', '{"a":1}'],
    ['{"a":[{"b":[]}],"c":{}}', '{"a":[{"b":[]}],"c":{}}'],
    [' \r\n\t{"a":true,"b":false,"c":null} ', '{"a":true,"b":false,"c":null}'],
    ['{"__proto__":1,"x":5.0}', '{"__proto__":1,"x":5.0}'],
    ['{"":5.0}', '{"":5.0}'],
    ['{"a":"\\u00e9\\ud83d\\ude00\\/\\b\\f"}', '{"a":"é😀/\\b\\f"}'],
    ['{"a":"\\ud800","b":"x\\uDC00y","\\ud800":1}', '{"a":"?","b":"x?y","?":1}'],
    ['{"a":[1}', 'undefined'],
  ]
  for (const [text, value] of tolerated) {
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(String(printed(text)), value))
  }

  for (const text of ['', '   ', '{', '{"a":1', '[1', '[{]', '{"a":{"b":1}']) {
    it(`finds no value in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseJson(text), { ok: true, value: undefined })
    })
  }

  const refused: readonly (readonly [string, string])[] = [
    ['null', 'expected field or array\nNear: null'],
    ['123', 'expected field or array\nNear: 12'],
    ['123 ', 'expected field or array\nNear: 123'],
    ['"x"', 'expected field or array\nNear: "x"'],
    ['}', 'expected object or array\nNear: }'],
    ['{1}', 'expected field or array\nNear: {1'],
    ['{"a":1} x', 'unknown token x\nNear: {"a":1} x'],
    ["{'a':1}", "unknown token '\nNear: {'"],
    ['\ufeff{}', 'unknown token \ufeff\nNear: \ufeff'],
    ['[😀]', 'unknown token 😀\nNear: [😀'],
    ['{"properties":{"x":NaN}}', 'unknown token N\nNear: {"properties":{"x":N'],
    [
      '{"event":"view","entityType":"user","a":tru}',
      'expected boolean\nNear: ype":"user","a":tru}',
    ],
    ['{"a":nul}', 'expected null\nNear: {"a":nul}'],
    ['{"a" "b","c":"d"}', 'parsing failed'],
    ['{"a":}', 'parsing failed'],
    ['[1:2]', 'Colon in an invalid position\nNear: [1:'],
    ['{"a', 'unexpected eof'],
    ['{"a\\', 'unexpected eof'],
    ['{"a":"\\u12g4"}', 'unexpected string end\nNear: {"a":"\\u'],
  ]
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseJson(text), { ok: false, message })
    })
  }

  it('reads any strict JSON as JSON.parse does, but for the text of doubles', () => {
    const strict = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()))
    fc.assert(
      fc.property(strict, fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        assert.deepEqual(JSON.parse(printed(text)), JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })

  it('takes 200,000 levels of brackets', () => {
    const levels = 200_000
    const parsed = parseJson(`${'['.repeat(levels)}5.0${']'.repeat(levels)}`)
    assert.ok(parsed.ok && Array.isArray(parsed.value))
  })

  it('takes a megabyte of escapes in time that grows with the length', () => {
    const parsed = parseJson(`{"a":"${'\\n\\"'.repeat(250_000)}","b":5.0}`)
    assert.ok(parsed.ok)
    assert.equal((parsed.value as { a: string }).a.length, 500_000)
  })
})

describe('json4s text', () => {
  it('prints a whole event', () => {
    const parsed = parseJson('{"event":"rate","n":{"rating":1,"x":[]},"z":null}')
    assert.ok(parsed.ok)
    assert.equal(
      describeJson(parsed.value),
      'JObject(List((event,JString(rate)), (n,JObject(List((rating,JInt(1)), (x,JArray(List()))))), (z,JNull)))',
    )
  })

  it('cuts off what is long or deep', () => {
    assert.ok(describeJson(new Array(1e6).fill(1)).length <= 2001)
    assert.ok(describeJson('x'.repeat(1e6)).length <= 2001)
    let deep: unknown = 1
    for (let level = 0; level < 100_000; level++) deep = [deep]
    assert.ok(describeJson(deep).length <= 2001)
  })
})
