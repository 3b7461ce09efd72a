import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { createRegistryClient } from '../../infra/kafka/registry-client.ts'
import { createSchemaRegistry, INBOX_SCHEMA_ID } from '../../infra/kafka/schema-registry.ts'
import { createIngestFixture, KEY_ALL } from '../support/ingest-fixture.ts'
import { createMemoryLog } from '../support/memory/log.ts'
import { checkRegistry } from '../support/registry-suite.ts'

test('schema registry: our own', async () => {
  await checkRegistry(createSchemaRegistry(createMemoryLog()), 'millrace.inbox.app-1-value')
})

test('schema registry: two processes over one log agree on ids, whoever comes first', async () => {
  const log = createMemoryLog()
  const [one, other] = [createSchemaRegistry(log), createSchemaRegistry(log)]
  const ids = await Promise.all([
    one.register('a', '"string"'),
    other.register('b', '"long"'),
    one.register('b', '"long"'),
    other.register('a', '"string"'),
  ])
  assert.equal(ids[0], ids[3])
  assert.equal(ids[1], ids[2])
  assert.notEqual(ids[0], ids[1])
  assert.equal(await createSchemaRegistry(log).schema(ids[1] ?? 0), '"long"')
})

test('schema registry: of two incompatible schemas at once one is taken', async () => {
  const log = createMemoryLog()
  const [one, other] = [createSchemaRegistry(log), createSchemaRegistry(log)]
  const results = await Promise.allSettled([
    one.register('a', '"string"'),
    other.register('a', '"long"'),
  ])
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  assert.equal((await one.versions('a')).length, 1)
  assert.deepEqual(await other.versions('a'), await one.versions('a'))
})

test('schema registry: knows the schemas that Millrace itself writes and offers', async () => {
  const registry = createSchemaRegistry(createMemoryLog())
  for (const id of [1, 2, 3, 4, 5, INBOX_SCHEMA_ID]) {
    assert.equal((JSON.parse(await registry.schema(id)) as { type: string }).type, 'record')
  }
})

test('schema registry: the client, over our own endpoints', async (t) => {
  const registry = createSchemaRegistry(createMemoryLog())
  const { server, close } = await createIngestFixture({ registry })
  t.after(close)
  const url = new URL(await server.listen({ host: '127.0.0.1', port: 0 }))
  url.username = KEY_ALL
  const client = createRegistryClient({ url: `${url.href}registry`, clock: systemClock })
  await checkRegistry(client, 'millrace.inbox.app-1-value')
})

test('schema registry: the client tries again, and says which registry does not answer', async (t) => {
  let calls = 0
  const server = createServer((_request, reply) => {
    calls++
    reply.statusCode = calls < 3 ? 503 : 200
    reply.end('{"schema":"\\"int\\""}')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = createRegistryClient({ url: address, clock: systemClock })
  assert.equal(await client.schema(1), '"int"')
  assert.equal(calls, 3)
  assert.equal(await client.schema(1), '"int"')
  assert.equal(calls, 3)
  const nobody = createRegistryClient({ url: 'http://127.0.0.1:1', clock: systemClock })
  await assert.rejects(nobody.schema(1), {
    code: 'SCHEMA_REGISTRY_UNAVAILABLE',
    message: /127\.0\.0\.1:1/,
  })
})
