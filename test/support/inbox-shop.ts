// A platform whose log is Kafka, with an app to write to directly.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Kafka, Producer } from 'kafkajs'
import { loadKafkajs } from '../../infra/kafka/kafkajs.ts'
import { KAFKA_URL, temporaryPrefix } from './kafka.ts'
import { millraceJson, placeOf, type RunningMillrace, startMillrace } from './millrace-process.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { until } from './until.ts'

export interface InboxShop {
  readonly config: string
  readonly server: RunningMillrace
  readonly accessKey: string
  /** `host:port` of the broker. */
  readonly broker: string
  readonly topic: string
  readonly kafka: Kafka
  readonly producer: Producer
}

/** A platform over Kafka with one app, whose inbox is there, and a producer for it. */
export async function openInboxShop(t: TestContext): Promise<InboxShop> {
  const folder = await temporaryFolder(t)
  const prefix = temporaryPrefix(t)
  const config = join(folder, 'millrace.toml')
  await writeFile(
    config,
    `data = "${join(folder, 'data')}"\nprefix = "${prefix}"\nlog = "${KAFKA_URL}"\n`,
  )
  const { accessKey } = await newApp(config, 'shop')
  const server = await startMillrace(config, t)
  const { Kafka, logLevel, Partitioners } = await loadKafkajs()
  const broker = KAFKA_URL.slice('kafka://'.length)
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  t.after(() => producer.disconnect())
  const topic = `${prefix}.inbox.app-1`
  await topicThere(kafka, topic)
  return { config, server, accessKey, broker, topic, kafka, producer }
}

export const newApp = (config: string, name: string) =>
  millraceJson<{ accessKey: string; id: number }>(['app', 'new', name, ...placeOf(config)])

/** Waits until an inbox was made. */
export async function topicThere(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await until(async () => (await admin.listTopics()).includes(topic))
  await admin.disconnect()
}
