import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EVENT_RULES, type RuleCode } from '#schemas/event-rule-texts'
import { readEvent } from '#schemas/event-rules'
import { parseJson } from '#schemas/lenient-json'
import { body, NOW, readBody, TARGET } from '../support/event-bodies.ts'

const REQUIREMENT = 'java.lang.IllegalArgumentException: requirement failed: '
const CONVERT = 'org.json4s.package$MappingException: Do not know how to convert'

/** What is refused, by which rule and with which text. */
const REFUSED: readonly (readonly [string, RuleCode, string])[] = [
  [
    '[]',
    'EVENT_NOT_AN_OBJECT',
    "Can't convert JArray(List()) to class org.apache.predictionio.data.storage.Event",
  ],
  [
    '   ',
    'EVENT_NOT_AN_OBJECT',
    "Can't convert JNothing to class org.apache.predictionio.data.storage.Event",
  ],
  [
    '{}',
    'EVENT_FIELD_MISSING',
    'org.apache.predictionio.data.storage.DataMapException: The field event is required.',
  ],
  [
    '{"event":"view","entityType":"user"}',
    'EVENT_FIELD_MISSING',
    'org.apache.predictionio.data.storage.DataMapException: The field entityId is required.',
  ],
  [
    body('"entityType":null'),
    'EVENT_FIELD_NULL',
    'org.apache.predictionio.data.storage.DataMapException: The required field entityType cannot be null.',
  ],
  [
    body('"entityId":true'),
    'EVENT_FIELD_TYPE',
    `${CONVERT} JBool(true) into class java.lang.String`,
  ],
  [
    body('"event":["a",1,2.5,null]'),
    'EVENT_FIELD_TYPE',
    `${CONVERT} JArray(List(JString(a), JInt(1), JDouble(2.5), JNull)) into class java.lang.String`,
  ],
  [
    body('"prId":{"a":{"b":5.0}}'),
    'EVENT_FIELD_TYPE',
    `${CONVERT} JObject(List((a,JObject(List((b,JDouble(5.0))))))) into class java.lang.String`,
  ],
  [
    body('"properties":"x"'),
    'PROPERTIES_NOT_AN_OBJECT',
    'org.json4s.package$MappingException: Expected object but got JString(x)',
  ],
  [
    body('"properties":[["a",1]]'),
    'PROPERTIES_NOT_AN_OBJECT',
    'org.json4s.package$MappingException: Expected object but got JArray(List(JArray(List(JString(a), JInt(1)))))',
  ],
  [
    body('"properties":5.0'),
    'PROPERTIES_NOT_AN_OBJECT',
    'org.json4s.package$MappingException: Expected object but got JDouble(5.0)',
  ],
  [
    body('"eventTime":"2014-11-02"'),
    'EVENT_TIME_INVALID',
    'org.json4s.package$MappingException: Fail to extract eventTime 2014-11-02',
  ],
  [
    body('"eventTime":1414921185618'),
    'EVENT_TIME_INVALID',
    'org.json4s.package$MappingException: Fail to extract eventTime 1414921185618',
  ],
  [
    body('"eventTime":""'),
    'EVENT_TIME_INVALID',
    'org.json4s.package$MappingException: Fail to extract eventTime ',
  ],
  [body('"event":""'), 'EVENT_NAME_EMPTY', `${REQUIREMENT}event must not be empty.`],
  [
    body('"entityType":""'),
    'ENTITY_TYPE_EMPTY',
    `${REQUIREMENT}entityType must not be empty string.`,
  ],
  [body('"entityId":""'), 'ENTITY_ID_EMPTY', `${REQUIREMENT}entityId must not be empty string.`],
  [
    body('"targetEntityType":"","targetEntityId":"i"'),
    'TARGET_ENTITY_TYPE_EMPTY',
    `${REQUIREMENT}targetEntityType must not be empty string`,
  ],
  [
    body('"targetEntityType":"item","targetEntityId":""'),
    'TARGET_ENTITY_ID_EMPTY',
    `${REQUIREMENT}targetEntityId must not be empty string.`,
  ],
  [
    body('"targetEntityType":"item"'),
    'TARGET_ENTITY_INCOMPLETE',
    `${REQUIREMENT}targetEntityType and targetEntityId must be specified together.`,
  ],
  [
    body('"targetEntityId":"i","targetEntityType":null'),
    'TARGET_ENTITY_INCOMPLETE',
    `${REQUIREMENT}targetEntityType and targetEntityId must be specified together.`,
  ],
  [
    body('"event":"$unset"'),
    'UNSET_WITHOUT_PROPERTIES',
    `${REQUIREMENT}properties cannot be empty for $unset event`,
  ],
  [
    body('"event":"$unset","properties":{}'),
    'UNSET_WITHOUT_PROPERTIES',
    `${REQUIREMENT}properties cannot be empty for $unset event`,
  ],
  [
    body('"event":"$set "'),
    'EVENT_NAME_RESERVED',
    `${REQUIREMENT}$set  is not a supported reserved event name.`,
  ],
  [
    body('"event":"pio_x"'),
    'EVENT_NAME_RESERVED',
    `${REQUIREMENT}pio_x is not a supported reserved event name.`,
  ],
  [
    body(`"event":"$set",${TARGET}`),
    'SPECIAL_EVENT_WITH_TARGET',
    `${REQUIREMENT}Reserved event $set cannot have targetEntity`,
  ],
  [
    body('"entityType":"$user"'),
    'ENTITY_TYPE_RESERVED',
    `${REQUIREMENT}The entityType $user is not allowed. 'pio_' is a reserved name prefix.`,
  ],
  [
    body('"targetEntityType":"pio_i","targetEntityId":"i"'),
    'TARGET_ENTITY_TYPE_RESERVED',
    `${REQUIREMENT}The targetEntityType pio_i is not allowed. 'pio_' is a reserved name prefix.`,
  ],
  [
    body('"properties":{"ok":1,"$a":1}'),
    'PROPERTY_RESERVED',
    `${REQUIREMENT}The property $a is not allowed. 'pio_' is a reserved name prefix.`,
  ],
  [
    body(`"entityId":"${'x'.repeat(1025)}"`),
    'ID_TOO_LONG',
    'The entityId has more than 1024 bytes.',
  ],
  [
    body('"properties":{"a":[1e400]}'),
    'PROPERTIES_NUMBER_RANGE',
    'A number in properties is outside of what a double can hold (±1.8E308).',
  ],
  [
    body(`"properties":{"a":-1${'0'.repeat(400)}}`),
    'PROPERTIES_NUMBER_RANGE',
    'A number in properties is outside of what a double can hold (±1.8E308).',
  ],
  [
    body(`"properties":{"a":${'['.repeat(500)}${']'.repeat(500)}}`),
    'PROPERTIES_TOO_DEEP',
    'The properties have more than 500 levels of brackets.',
  ],
]

describe('event rules: what is refused', () => {
  for (const [text, code, message] of REFUSED) {
    it(`${code}: ${text.slice(0, 70)}`, () => {
      assert.deepEqual(readBody(text), { ok: false, code, message })
    })
  }

  it('has a case for every rule', () => {
    const codes = new Set<string>(REFUSED.map(([, code]) => code))
    const missing = EVENT_RULES.map(({ code }) => code).filter((code) => !codes.has(code))
    assert.deepEqual(missing, ['BATCH_ELEMENT_NOT_AN_OBJECT'])
  })

  for (const [text, message] of [
    ['null', 'JNull (of class org.json4s.JsonAST$JNull$)'],
    ['1', 'JInt(1) (of class org.json4s.JsonAST$JInt)'],
    ['1.5', 'JDouble(1.5) (of class org.json4s.JsonAST$JDouble)'],
    ['5.0', 'JDouble(5.0) (of class org.json4s.JsonAST$JDouble)'],
    ['"x"', 'JString(x) (of class org.json4s.JsonAST$JString)'],
    ['true', 'JBool(true) (of class org.json4s.JsonAST$JBool)'],
    ['[1]', 'JArray(List(JInt(1))) (of class org.json4s.JsonAST$JArray)'],
  ] as const) {
    it(`words ${text} as an element of a batch`, () => {
      const parsed = parseJson(`[${text}]`)
      assert.ok(parsed.ok)
      const [element] = parsed.value as unknown[]
      const expected = { ok: false, code: 'BATCH_ELEMENT_NOT_AN_OBJECT', message }
      assert.deepEqual(readEvent(element, NOW, 'batch'), expected)
    })
  }

  it('bounds the length of a message that quotes what was sent', () => {
    const long = readBody(body(`"eventTime":"${'x'.repeat(100_000)}"`))
    assert.ok(!long.ok && long.message.length < 2200)
    const deep = readBody(body(`"prId":${'['.repeat(100_000)}${']'.repeat(100_000)}`))
    assert.ok(!deep.ok && deep.code === 'EVENT_FIELD_TYPE' && deep.message.length < 2200)
  })
})

describe('event rules: their order', () => {
  // Each breaks two rules that follow one another; the first is named.
  const pairs: readonly (readonly [string, RuleCode])[] = [
    ['{"eventId":{},"entityType":"","entityId":"","eventTime":"bad"}', 'EVENT_FIELD_MISSING'],
    ['{"event":"view","eventId":{},"entityId":"","eventTime":"bad"}', 'EVENT_FIELD_TYPE'],
    [
      '{"event":"view","entityType":"user","targetEntityType":{},"eventTime":"bad"}',
      'EVENT_FIELD_MISSING',
    ],
    [body('"targetEntityType":{},"properties":"x"'), 'EVENT_FIELD_TYPE'],
    [body('"properties":"x","eventTime":"bad"'), 'PROPERTIES_NOT_AN_OBJECT'],
    [body('"eventTime":"bad","prId":{}'), 'EVENT_TIME_INVALID'],
    [body('"prId":{},"event":""'), 'EVENT_FIELD_TYPE'],
    [body('"event":"","entityType":""'), 'EVENT_NAME_EMPTY'],
    [body('"entityType":"","entityId":""'), 'ENTITY_TYPE_EMPTY'],
    [body('"entityId":"","targetEntityType":""'), 'ENTITY_ID_EMPTY'],
    [body('"targetEntityType":"","targetEntityId":""'), 'TARGET_ENTITY_TYPE_EMPTY'],
    [body('"targetEntityId":""'), 'TARGET_ENTITY_ID_EMPTY'],
    [body('"event":"$unset","targetEntityType":"item"'), 'TARGET_ENTITY_INCOMPLETE'],
    [body(`"event":"$unset",${TARGET}`), 'UNSET_WITHOUT_PROPERTIES'],
    [body(`"event":"$foo",${TARGET}`), 'EVENT_NAME_RESERVED'],
    [body(`"event":"$set","entityType":"pio_u",${TARGET}`), 'SPECIAL_EVENT_WITH_TARGET'],
    [
      body('"entityType":"pio_u","targetEntityType":"pio_i","targetEntityId":"i"'),
      'ENTITY_TYPE_RESERVED',
    ],
    [
      body('"targetEntityType":"pio_i","targetEntityId":"i","properties":{"$a":1}'),
      'TARGET_ENTITY_TYPE_RESERVED',
    ],
    [body(`"entityId":"${'x'.repeat(1025)}","properties":{"$a":1e400}`), 'PROPERTY_RESERVED'],
    [body(`"entityId":"${'x'.repeat(1025)}","properties":{"a":1e400}`), 'ID_TOO_LONG'],
  ]
  for (const [text, code] of pairs) {
    it(`${code} first: ${text.slice(0, 80)}`, () => {
      const reading = readBody(text)
      assert.equal(reading.ok ? 'accepted' : reading.code, code)
    })
  }
})
