// The broker of the cluster tests, and topics that last as long as a test.
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { readKafkaUrl } from '../../infra/kafka/config.ts'
import { loadKafkajs } from '../../infra/kafka/kafkajs.ts'
import { clusterUrl } from './test-cluster.ts'

export const KAFKA_URL = clusterUrl('log')

/** A prefix of topics that nobody else uses; they are deleted after the test. */
export function temporaryPrefix(t: Pick<TestContext, 'after'>): string {
  const prefix = `test-${randomUUID().slice(0, 8)}`
  t.after(() => deleteTopics(prefix))
  return prefix
}

async function deleteTopics(prefix: string): Promise<void> {
  const { Kafka, logLevel } = await loadKafkajs()
  const brokers = [...readKafkaUrl(KAFKA_URL).brokers]
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(`${prefix}.`))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  } finally {
    await admin.disconnect()
  }
}
