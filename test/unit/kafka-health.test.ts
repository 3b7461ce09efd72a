// What the health of a log over Kafka says of how safe its records are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthOf } from '../../infra/kafka/log.ts'

test('kafka: fewer than 3 replicas, or acknowledged by one of them, is a warning and no failure', () => {
  const warned = (replicas: number, minInSync: number | null): boolean => {
    const { status, hint } = healthOf(null, { partitions: 12, replicas }, minInSync)
    assert.equal(status, 'ok')
    return hint?.includes('min.insync.replicas 2') ?? false
  }
  assert.equal(warned(3, 2), false)
  assert.equal(warned(3, null), false)
  assert.equal(warned(2, 2), true)
  assert.equal(warned(3, 1), true)
})
