// Direct producers: what they write into their app's inbox arrives once, by the rules of the event server; the rest is in dead
// letters with its reason and place.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import avro from 'avsc'
import { inboxSchemaText } from '#schemas/inbox-event'
import { loadKafkajs } from '../../infra/kafka/kafkajs.ts'
import { action, eventUrls, send } from '../support/http-client.ts'
import { type InboxShop, newApp, openInboxShop, topicThere } from '../support/inbox-shop.ts'
import {
  millraceJson,
  placeOf,
  type RunningMillrace,
  startMillrace,
} from '../support/millrace-process.ts'
import { until } from '../support/until.ts'

interface Letter {
  readonly reason: string
  readonly message: string
  readonly position: string
}

const items = async (server: RunningMillrace, accessKey: string): Promise<string[]> => {
  const reply = await send('GET', `${eventUrls(server.event, accessKey).events}&limit=-1`)
  const events = Array.isArray(reply.json) ? (reply.json as { targetEntityId: string }[]) : []
  return events.map(({ targetEntityId }) => targetEntityId).sort()
}

const letters = async (config: string): Promise<Letter[]> =>
  (await millraceJson<{ letters: Letter[] }>(['dead-letters', 'list', ...placeOf(config)])).letters

const json = (item: string, more: object = {}): Buffer =>
  Buffer.from(JSON.stringify(action('buy', 'u1', item, more)))

async function register({ server, accessKey, topic }: InboxShop, schema: string): Promise<number> {
  const reply = await fetch(`${server.event}/registry/subjects/${topic}-value/versions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/vnd.schemaregistry.v1+json',
      accept: 'application/vnd.schemaregistry.v1+json',
      authorization: `Basic ${Buffer.from(`${accessKey}:`).toString('base64')}`,
    },
    body: JSON.stringify({ schema }),
  })
  assert.equal(reply.status, 200, await reply.clone().text())
  return ((await reply.json()) as { id: number }).id
}

function framed(id: number, type: avro.Type, row: object): Buffer {
  const head = Buffer.alloc(5)
  head.writeInt32BE(id, 1)
  return Buffer.concat([head, type.toBuffer(row)])
}

test('kafka: JSON and Avro in an inbox arrive once; the rest is in dead letters', async (t) => {
  const shop = await openInboxShop(t)
  const { config, server, accessKey, topic, producer } = shop
  const own = avro.Type.forSchema(JSON.parse(inboxSchemaText()) as avro.Schema, {
    wrapUnions: false,
  })
  const ownId = await register(shop, inboxSchemaText())
  const smaller = {
    type: 'record',
    name: 'Purchase',
    fields: ['event', 'entityType', 'entityId', 'targetEntityType', 'targetEntityId'].map(
      (name) => ({ name, type: 'string' }),
    ),
  }
  const smallerId = await register({ ...shop, topic: `${topic}-small` }, JSON.stringify(smaller))
  const row = {
    ...action('buy', 'u2', 'avro', { eventId: 'avro-1' }),
    ...{ properties: '{"price":5.0}', eventTime: 1_700_000_000_000, prId: null },
  }
  await producer.send({
    topic,
    messages: [
      { key: 'u1', value: json('json') },
      { key: 'quite another key', value: json('wrong-key') },
      { key: null, value: json('no-key', { eventId: 'given' }) },
      { key: null, value: json('no-key', { eventId: 'given' }) },
      { value: framed(ownId, own, row) },
      { value: framed(smallerId, avro.Type.forSchema(smaller as avro.Schema), row) },
      { partition: 0, value: Buffer.from('garbage') },
      { partition: 0, value: Buffer.from([0xff, 0xfe, 0x01]) },
      { partition: 1, value: framed(4711, own, row) },
      { partition: 1, value: framed(ownId, own, row).subarray(0, 12) },
      { partition: 2, value: json('', { event: '' }) },
      { partition: 2, value: null },
    ],
  })
  const wanted = ['avro', 'avro', 'json', 'no-key', 'wrong-key']
  await until(async () => (await items(server, accessKey)).length >= wanted.length, 20_000)
  await until(async () => (await letters(config)).length >= 6, 20_000)
  assert.deepEqual(await items(server, accessKey), wanted)
  const stored = await send('GET', eventUrls(server.event, accessKey).event('avro-1'))
  assert.match(stored.text, /"price":5\.0/)
  assert.match(stored.text, /2023-11-14T22:13:20/)
  const found = await letters(config)
  assert.equal(found.length, 6)
  const texts = found.map(({ reason, message }) => `${reason}: ${message}`)
  const of = (pattern: RegExp): number => texts.filter((text) => pattern.test(text)).length
  t.diagnostic(texts.join(' | '))
  assert.equal(of(/RECORD_UNREADABLE: The record is no JSON/), 1)
  assert.equal(of(/RECORD_UNREADABLE: The record is neither JSON nor Avro/), 1)
  assert.equal(of(/RECORD_UNREADABLE: Schema 4711/), 1)
  assert.equal(of(/RECORD_UNREADABLE: The record is no Avro of its schema/), 1)
  assert.equal(of(/RECORD_UNREADABLE: The record has no value/), 1)
  assert.equal(of(/EVENT_NAME_EMPTY/), 1)
  for (const { position } of found)
    assert.match(position, /^test-[0-9a-f]+\.inbox\.app-1\/\d\/\d+$/)
})

test('kafka: an aborted transaction leaves nothing, a committed one all of it', async (t) => {
  const { server, accessKey, topic, kafka } = await openInboxShop(t)
  const { Partitioners } = await loadKafkajs()
  const producer = kafka.producer({
    ...{ transactionalId: `tx-${topic}`, idempotent: true, maxInFlightRequests: 1 },
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  t.after(() => producer.disconnect())
  const aborted = await producer.transaction()
  await aborted.send({ topic, messages: [{ partition: 0, value: json('aborted') }] })
  await aborted.abort()
  const committed = await producer.transaction()
  const kept = ['kept-1', 'kept-2'].map((item) => ({ partition: 0, value: json(item) }))
  await committed.send({ topic, messages: kept })
  await committed.commit()
  await until(async () => (await items(server, accessKey)).length >= 2, 20_000)
  assert.deepEqual(await items(server, accessKey), ['kept-1', 'kept-2'])
})

test('kafka: an inbox is read as soon as its app is there, and what a kill cut off is read once', async (t) => {
  const { config, server, kafka, topic, producer } = await openInboxShop(t)
  const other = await newApp(config, 'other')
  const otherTopic = topic.replace(/\d+$/, String(other.id))
  await topicThere(kafka, otherTopic)
  const all = Array.from({ length: 2000 }, (_, i) => `item-${i}`)
  const messages = all.map((item) => ({ key: item, value: json(item) }))
  const sending = producer.send({ topic: otherTopic, messages })
  await until(async () => (await items(server, other.accessKey)).length > 0, 20_000)
  await server.kill()
  await sending
  const again = await startMillrace(config, t)
  await until(async () => (await items(again, other.accessKey)).length >= all.length, 60_000)
  assert.deepEqual(await items(again, other.accessKey), all.toSorted())
})

test('kafka: the registry is the Confluent protocol, and an app registers for itself only', async (t) => {
  const shop = await openInboxShop(t)
  const id = await register(shop, inboxSchemaText())
  assert.equal(await register(shop, inboxSchemaText()), id)
  const basic = { authorization: `Basic ${Buffer.from(`${shop.accessKey}:`).toString('base64')}` }
  const call = (method: string, path: string, body?: object) =>
    send(method, `${shop.server.event}/registry${path}`, body, basic)
  const subject = `/subjects/${shop.topic}-value`
  assert.deepEqual((await call('GET', `${subject}/versions`)).json, [1])
  const byId = (await call('GET', `/schemas/ids/${id}`)).json as { schema: string }
  assert.deepEqual(JSON.parse(byId.schema), JSON.parse(inboxSchemaText()))
  const unknown = await call('GET', '/schemas/ids/4711')
  assert.deepEqual(
    [unknown.status, (unknown.json as { error_code: number }).error_code],
    [404, 40403],
  )
  const more = { name: 'more', type: 'string' }
  const schema = JSON.parse(inboxSchemaText()) as { fields: object[] }
  const incompatible = JSON.stringify({ ...schema, fields: [...schema.fields, more] })
  const refused = await call('POST', `${subject}/versions`, { schema: incompatible })
  assert.equal(refused.status, 409)
  const wider = { ...schema, fields: [...schema.fields, { ...more, default: '' }] }
  const check = `/compatibility${subject}/versions/latest`
  for (const [text, fits] of [
    [incompatible, false] as const,
    [JSON.stringify(wider), true] as const,
  ]) {
    assert.deepEqual((await call('POST', check, { schema: text })).json, { is_compatible: fits })
  }
  assert.notEqual(await register(shop, JSON.stringify(wider)), id)
  const latest = (await call('GET', `${subject}/versions/latest`)).json as { version: number }
  assert.equal(latest.version, 2)
  const foreign = await call('POST', '/subjects/x.inbox.app-12-value/versions', { schema: '"int"' })
  assert.deepEqual(
    [foreign.status, foreign.headers.get('millrace-error')],
    [403, 'SUBJECT_FOREIGN'],
  )
  assert.equal((await send('GET', `${shop.server.event}/registry/subjects`)).status, 401)
})
