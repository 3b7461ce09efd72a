// A broker that is named by its IPv6 address is connected to.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '#ports/clock'
import { silentTelemetry } from '#ports/telemetry'
import { openKafkaClient } from '../../infra/kafka/client.ts'
import { readKafkaUrl } from '../../infra/kafka/config.ts'
import { seedBroker } from '../../infra/kafka/seed-brokers.ts'

test('kafka: an IPv6 address goes through kafkajs without colons; others stay', () => {
  assert.equal(seedBroker('[::1]:9092'), '--1.ipv6-literal:9092')
  assert.equal(seedBroker('[fd00::10:2]:1'), 'fd00--10-2.ipv6-literal:1')
  assert.equal(seedBroker('broker-1.example:9092'), 'broker-1.example:9092')
})

test('kafka: [::1] is where the connection goes, and what the error names', async (t) => {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  server.listen(0, '::1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const config = readKafkaUrl(`kafka://[::1]:${port}`)
  const options = { config, clientId: 'test', clock: systemClock, telemetry: silentTelemetry }
  await assert.rejects(openKafkaClient(options), {
    code: 'SERVER_UNREACHABLE',
    message: new RegExp(`\\(\\[::1\\]:${port}\\)`),
  })
  assert.ok(connections > 0)
})
