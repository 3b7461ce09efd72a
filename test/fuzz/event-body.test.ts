// Bodies that no client should send: good ones with pieces cut out, doubled and put elsewhere, and soups of tokens.
// `FUZZ_SEED` and `FUZZ_ROUNDS` repeat or lengthen a run.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatEvent } from '#schemas/event-format'
import { type DraftEvent, PROPERTIES_DEPTH_MAX, readEvent } from '#schemas/event-rules'
import { parseEventTime, parseQueryTime } from '#schemas/event-time'
import { members } from '#schemas/json-members'
import { NumberRangeError, parseJson } from '#schemas/lenient-json'
import { createRandom, type Random } from '../support/random.ts'

const SEED = Number(process.env.FUZZ_SEED ?? 20141102)
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 20_000)
const NOW = 1_700_000_000_000

const BODIES = [
  '{"event":"view","entityType":"user","entityId":"u1"}',
  '{"event":"rate","entityType":"user","entityId":1,"targetEntityType":"item","targetEntityId":2.50,"properties":{"rating":5.0},"eventTime":"2014-11-02T09:39:45.618-08:00","prId":"p","eventId":"e"}',
  '{"event":"$set","entityType":"item","entityId":"i","properties":{"a":[1,"2",null,{"b":[]}],"big":123456789012345678901234567890,"e":1e-7,"":0.0001}}',
  '{"event":"$unset","entityType":"üñ😀","entityId":"\\u00e9\\ud83d\\ude00\\n","properties":{"__proto__":{"x":1.0},"a.b":true}}',
  '[{"event":"view","entityType":"user","entityId":"u1"},{"event":"x"},null,1.5,"x"]',
]
const TOKENS = [
  ...['{', '}', '[', ']', ':', ',', '"', '\\', '\\u12', '\\ud800', '\\udc00', '\n', ' ', '\u0000'],
  ...[
    'true',
    'tru',
    'null',
    'nul',
    '0',
    '-',
    '+1',
    '1.',
    '.5',
    '5.0',
    '1e400',
    '-1e-400',
    '1e',
    '012',
  ],
  ...[
    '9007199254740993',
    '1'.repeat(330),
    '"event"',
    '"$set"',
    '"pio_"',
    '"properties"',
    '"__proto__"',
  ],
  ...['"2014-11-02T09:39:45Z"', '"x"', 'Infinity', '\ufeff', '\ud83d', 'é', '[[[[[[[[', '{"a":'],
]

function mutated(random: Random): string {
  let text = random.pick(BODIES)
  for (let n = random.below(3); n > 0; n--) {
    const at = random.below(text.length + 1)
    const end = Math.min(text.length, at + random.below(12))
    const piece = text.slice(at, end)
    const other = random.below(text.length + 1)
    text = random.pick([
      () => text.slice(0, at) + text.slice(end),
      () => text.slice(0, at) + random.pick(TOKENS) + text.slice(at),
      () => text.slice(0, at) + random.pick(TOKENS) + text.slice(end),
      () => text.slice(0, other) + piece + text.slice(other),
      () => text.slice(0, at) + String.fromCharCode(random.below(0x10000)) + text.slice(end),
      () => text.slice(0, at),
    ])()
  }
  return text
}

function soup(random: Random): string {
  return Array.from({ length: random.below(25) }, () => random.pick(TOKENS)).join('')
}

/** The value as text, or null when it holds a number beyond a double. */
function printedOf(value: unknown): string | null {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof NumberRangeError) return null
    throw error
  }
}

function checkEvent(draft: DraftEvent): void {
  for (const text of [
    draft.event,
    draft.entityType,
    draft.entityId,
    draft.eventId ?? '',
    draft.prId ?? '',
  ]) {
    assert.ok(text.isWellFormed() && Buffer.byteLength(text) <= 1024)
  }
  assert.equal(draft.targetEntityType === null, draft.targetEntityId === null)
  assert.ok(Number.isSafeInteger(draft.eventTime))
  const properties = JSON.parse(draft.properties) as Record<string, unknown>
  assert.ok(typeof properties === 'object' && properties !== null && !Array.isArray(properties))
  assert.equal(
    draft.properties.includes('Infinity') && !/"[^"]*Infinity/.test(draft.properties),
    false,
  )
  assert.deepEqual(new Set(members(draft.properties).keys()), new Set(Object.keys(properties)))

  // What we print is read back as the same event, and its properties to the last character.
  const printed = formatEvent({ ...draft, eventId: draft.eventId ?? 'made', creationTime: NOW })
  assert.doesNotThrow(() => JSON.parse(printed))
  const again = parseJson(printed)
  assert.ok(again.ok)
  assert.deepEqual(readEvent(again.value, NOW), {
    ok: true,
    event: { ...draft, eventId: draft.eventId ?? 'made' },
  })
}

function checkText(text: string): { readonly accepted: number; readonly refused: number } {
  const parsed = parseJson(text)
  if (!parsed.ok) {
    assert.ok(parsed.message.length > 0 && parsed.message.length < 200)
    assert.equal(isStrictContainer(text), false, 'strict JSON is never refused')
    return { accepted: 0, refused: 1 }
  }
  const elements = Array.isArray(parsed.value) ? [parsed.value, ...parsed.value] : [parsed.value]
  let accepted = 0
  for (const [index, element] of elements.entries()) {
    const reading = readEvent(element, NOW, index === 0 ? 'single' : 'batch')
    if (reading.ok) checkEvent(reading.event)
    else assert.ok(reading.message.length > 0 && reading.message.length < 2500)
    if (reading.ok) accepted++
  }
  return { accepted, refused: elements.length - accepted }
}

function isStrictContainer(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
  } catch {
    return false
  }
}

describe(`fuzz: bodies (FUZZ_SEED=${SEED} FUZZ_ROUNDS=${ROUNDS})`, () => {
  for (const [name, make] of Object.entries({ mutated, soup })) {
    it(`answers every body that is ${name}, and keeps what it accepts`, () => {
      const random = createRandom(SEED)
      const counts = { accepted: 0, refused: 0 }
      for (let round = 0; round < ROUNDS; round++) {
        const text = make(random)
        try {
          const { accepted, refused } = checkText(text)
          counts.accepted += accepted
          counts.refused += refused
        } catch (error) {
          throw new Error(`round ${round} of seed ${SEED}: ${JSON.stringify(text)}`, {
            cause: error,
          })
        }
      }
      assert.ok(counts.refused > ROUNDS / 10, JSON.stringify(counts))
      if (make === mutated) assert.ok(counts.accepted > ROUNDS / 10, JSON.stringify(counts))
    })
  }

  it('reads strict JSON as JSON.parse does, whatever is in it', () => {
    const random = createRandom(SEED + 1)
    let strict = 0
    for (let round = 0; round < ROUNDS; round++) {
      const text = mutated(random)
      if (!isStrictContainer(text) || !text.isWellFormed() || /\\ud/i.test(text)) continue
      const parsed = parseJson(text)
      assert.ok(parsed.ok)
      const printed = printedOf(parsed.value)
      if (printed === null) continue
      assert.ok(printed.isWellFormed())
      assert.equal(JSON.stringify(JSON.parse(printed)), JSON.stringify(JSON.parse(text)))
      strict++
    }
    assert.ok(strict > ROUNDS / 20, String(strict))
  })

  it('answers any depth of nesting', () => {
    for (const depth of [1, PROPERTIES_DEPTH_MAX - 2, PROPERTIES_DEPTH_MAX + 2, 5000, 100_000]) {
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const nested = `${open.repeat(depth)}5.0${close.repeat(depth)}`
        const text = `{"event":"$set","entityType":"item","entityId":"i","properties":{"p":${nested}}}`
        const counts = checkText(text)
        assert.equal(counts.accepted, depth < PROPERTIES_DEPTH_MAX ? 1 : 0, `${open} × ${depth}`)
      }
    }
  })

  it('answers any text as a time', () => {
    const random = createRandom(SEED + 2)
    const parts = [
      ...'0123456789-+:.,TZz ',
      '2014-11-02',
      'T09:39:45',
      '+05:30',
      '99999',
      '\u0660',
      '-0',
    ]
    for (let round = 0; round < ROUNDS; round++) {
      const text = Array.from({ length: random.below(8) }, () => random.pick(parts)).join('')
      const strict = parseEventTime(text)
      const lenient = parseQueryTime(text)
      assert.ok(strict === null || Number.isSafeInteger(strict.time), text)
      assert.ok(lenient.ok ? Number.isSafeInteger(lenient.time) : lenient.message.length > 0, text)
      if (strict !== null) assert.deepEqual(lenient, { ok: true, ...strict }, text)
    }
  })
})
