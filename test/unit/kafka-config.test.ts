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
  })
  assert.deepEqual(
    readKafkaUrl('kafka://shop:p%40ss@one,[::1]:9093/?partitions=4&replication=3&tls=true'),
    {
      brokers: ['one:9092', '[::1]:9093'],
      tls: true,
      sasl: { mechanism: 'scram-sha-512', username: 'shop', password: 'p@ss' },
      partitions: 4,
      replication: 3,
    },
  )
})

test('kafka url: what cannot be meant is refused with what to write', () => {
  for (const rest of [
    ...['', ':9092', 'a:99x', 'user@a', 'user:%zz@a', 'a?partitions=0', 'a?partitions=twelve'],
    ...['a?tls=yes', 'a?mechanism=plain', 'u:p@a?mechanism=gssapi', 'a?acks=1', 'a,,b'],
  ]) {
    assert.throws(() => readKafkaUrl(`kafka://${rest}`), { code: 'CONFIG_INVALID' }, rest)
  }
})
