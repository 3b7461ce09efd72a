import assert from 'node:assert/strict'
import { test } from 'node:test'
import avro from 'avsc'
import { avroEventReader, inboxSchemaText, readJsonEvent, schemaIdOf } from '#schemas/inbox-event'

const texts = ['event', 'entityType', 'entityId']
const typeOf = (schema: object): avro.Type =>
  avro.Type.forSchema(schema as avro.Schema, { wrapUnions: false, registry: {} })

const framed = (type: avro.Type, row: object): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 1, 2]), type.toBuffer(row)])

test('inbox event: our schema gives the body that JSON gives', () => {
  const type = typeOf(JSON.parse(inboxSchemaText()) as object)
  const row = {
    ...{ event: 'buy', entityType: 'user', entityId: 'u' },
    ...{ targetEntityType: 'item', targetEntityId: 'i', properties: '{"n":5.0}' },
    ...{ eventTime: 1_700_000_000_123, eventId: null, prId: null },
  }
  const bytes = framed(type, row)
  assert.equal(schemaIdOf(bytes), 0x102)
  const reading = avroEventReader(inboxSchemaText())(bytes)
  assert.ok(reading.ok)
  const body = reading.value as Record<string, unknown>
  assert.equal(JSON.stringify(body.properties), '{"n":5.0}')
  assert.equal(body.eventTime, '2023-11-14T22:13:20.123Z')
  assert.equal(body.targetEntityId, 'i')
})

test('inbox event: a schema of another name and fewer fields is read, one without a needed field is not', () => {
  const small = {
    type: 'record',
    name: 'Click',
    namespace: 'shop.web',
    fields: texts.map((name) => ({ name, type: 'string' })),
  }
  const bytes = framed(typeOf(small), { event: 'view', entityType: 'user', entityId: 'u' })
  const reading = avroEventReader(JSON.stringify(small))(bytes)
  assert.ok(reading.ok)
  assert.deepEqual(reading.value, {
    ...{ event: 'view', entityType: 'user', entityId: 'u' },
    ...{ targetEntityType: null, targetEntityId: null, eventId: null, prId: null },
    ...{ properties: {}, eventTime: undefined },
  })
  assert.throws(() => avroEventReader(JSON.stringify({ ...small, fields: small.fields.slice(1) })))
  assert.throws(() => avroEventReader('"int"'))
  assert.throws(() => avroEventReader('no schema'))
})

test('inbox event: bytes that are neither are refused with what is wrong', () => {
  const message = (value: Uint8Array): string => {
    const reading = readJsonEvent(value)
    return reading.ok ? 'read' : reading.message
  }
  assert.match(message(Buffer.from('garbage')), /is no JSON/)
  assert.match(message(Buffer.from('{"a":')), /not closed/)
  assert.match(message(Buffer.from([0xff])), /no UTF-8/)
  assert.equal(schemaIdOf(Buffer.from('{}')), null)
  assert.equal(schemaIdOf(Buffer.from([0, 1])), null)
  const bytes = framed(typeOf(JSON.parse(inboxSchemaText()) as object), {
    ...{ event: 'buy', entityType: 'user', entityId: 'u', properties: 'none' },
    ...{ targetEntityType: null, targetEntityId: null, eventTime: null, eventId: null, prId: null },
  })
  const read = avroEventReader(inboxSchemaText())
  assert.match(JSON.stringify(read(bytes)), /properties is no JSON/)
  assert.match(JSON.stringify(read(bytes.subarray(0, 9))), /no Avro of its schema/)
})
