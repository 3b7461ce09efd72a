import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readKafkaUrl } from '../../infra/kafka/config.ts'

test('kafka url: brokers, defaults and parameters', () => {
  assert.deepEqual(readKafkaUrl('kafka://127.0.0.1:19092'), {
    brokers: ['127.0.0.1:19092'],
    tls: false,
    sasl: null,
    partitions: 12,
    replication: null,
    registry: null,
  })
  assert.deepEqual(
    readKafkaUrl(
      'kafka://shop:p%40ss@one,[::1]:9093/?partitions=4&replication=3&tls=true&registry=http%3A%2F%2Fr%3A8081%2Fx',
    ),
    {
      brokers: ['one:9092', '[::1]:9093'],
      tls: true,
      sasl: { mechanism: 'scram-sha-512', username: 'shop', password: 'p@ss' },
      partitions: 4,
      replication: 3,
      registry: 'http://r:8081/x',
    },
  )
})

test('kafka url: what cannot be meant is refused with what to write', () => {
  for (const rest of [
    ...['', ':9092', 'a:99x', 'user@a', 'user:%zz@a', 'a?partitions=0', 'a?partitions=twelve'],
    ...[
      'a?tls=yes',
      'a?mechanism=plain',
      'u:p@a?mechanism=gssapi',
      'a?acks=1',
      'a?registry=r:8081',
      'a,,b',
    ],
  ]) {
    assert.throws(() => readKafkaUrl(`kafka://${rest}`), { code: 'CONFIG_INVALID' }, rest)
  }
})
