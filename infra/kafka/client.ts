// The few things we ask of kafkajs. Reading goes by its inner cluster (`read-connection.ts`): its consumer knows groups only,
// and a sink has its place in what it writes.
import type {
  Admin,
  Consumer,
  ConsumerConfig,
  ITopicMetadata,
  Kafka,
  KafkaConfig as KafkajsConfig,
  Producer,
} from 'kafkajs'
import type { Clock } from '#ports/clock'
import type { Closable } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import type { KafkaConfig } from './config.ts'
import { isTopicThere, isUnknownTopic, kafkaError, startError } from './errors.ts'
import { type GroupSpec, joinGroup } from './group-member.ts'
import { loadKafkajs } from './kafkajs.ts'
import { openReadConnection, type ReadConnection } from './read-connection.ts'
import { createSocketFactory, seedBroker } from './seed-brokers.ts'
import { addInboxWriter, type InboxWriter, removeInboxWriters } from './users.ts'

/** Values for one partition. */
export interface ProducePart {
  readonly partition: number
  readonly values: readonly Uint8Array[]
}

export interface KafkaProducer extends Closable {
  /**
   * Sends parts and resolves with the first offset of each that all in-sync replicas have, by partition: when a leader
   * changes meanwhile, kafkajs leaves some out. Sent again after that or a failure, with the same values, a part that was
   * stored the first time is not stored twice. Parts of one leader only: else a failure does not say which are stored.
   */
  send(parts: readonly ProducePart[]): Promise<ReadonlyMap<number, number>>
}

export interface TopicSpec {
  readonly topic: string
  readonly partitions: number
  readonly settings: Readonly<Record<string, string>>
}

export interface TopicLayout {
  readonly partitions: number
  /** Replicas of the partition that has the fewest. */
  readonly replicas: number
}

export interface KafkaClient extends Closable {
  /** The topic's layout; it is made when it is missing. */
  ensureTopic(spec: TopicSpec): Promise<TopicLayout>
  /** Replicas that have to have a record of the topic before it is acknowledged; null when the brokers do not say. */
  minInSync(topic: string): Promise<number | null>
  openReader(topic: string): ReadConnection
  openProducer(topic: string): Promise<KafkaProducer>
  openConsumer(options: ConsumerConfig): Consumer
  /** Joins those who divide the partitions of a topic. */
  joinGroup(spec: GroupSpec): Promise<Closable>
  /** Makes a user that may write to one app's inboxes; its password. @throws MillraceError KAFKA_USER_REFUSED */
  addInboxWriter(writer: InboxWriter): Promise<string>
  /** Removes an app's inbox and those of its channels, with the users that wrote to them. @throws MillraceError LOG_UNAVAILABLE */
  removeInboxes(topic: string): Promise<void>
  /** Forgets records of a partition below `before`. */
  trim(topic: string, partition: number, before: number): Promise<void>
}

const CONNECT_MS = 3_000
const REQUEST_MS = 10_000
/** kafkajs tries twice by itself; who calls it knows better whether to go on. */
const RETRY = { retries: 2, initialRetryTime: 100, maxRetryTime: 500 }
/** A send with fewer bytes a partition is not compressed: beginning to costs more than there is to gain. */
const COMPRESSED_FROM_BYTES = 8 * 1024
const TOPIC_TRIES = 40
const TOPIC_PAUSE_MS = 100

export interface KafkaClientOptions {
  readonly config: KafkaConfig
  readonly clientId: string
  readonly telemetry: Telemetry
  readonly clock: Clock
}

/**
 * Connects to the brokers.
 * @throws MillraceError SERVER_UNREACHABLE, SERVER_REFUSED
 */
export async function openKafkaClient(options: KafkaClientOptions): Promise<KafkaClient> {
  const kafka = await createKafka(options)
  const admin = kafka.admin({ retry: RETRY })
  const parts: Closable[] = []
  const keep = <T extends Closable>(part: T): T => {
    parts.push(part)
    return part
  }
  try {
    await admin.connect()
  } catch (error) {
    await admin.disconnect()
    throw startError(error, options.config)
  }
  return {
    ensureTopic: (spec) => ensureTopic(admin, spec, options),
    minInSync: (topic) => minInSync(admin, topic),
    openReader: (topic) => keep(openReadConnection(kafka, topic)),
    openProducer: async (topic) => keep(await openProducer(kafka, topic)),
    addInboxWriter: (writer) => addInboxWriter(kafka, admin, writer),
    removeInboxes: (topic) => removeInboxes(kafka, admin, topic),
    openConsumer: (settings) => kafka.consumer(settings),
    joinGroup: async (spec) => keep(await joinGroup(kafka, spec)),
    trim: async (topic, partition, before) => {
      // It looks for the leaders among the topics it was asked about before.
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({
        topic,
        partitions: [{ partition, offset: String(before) }],
      })
    },
    close: async () => {
      await Promise.all(parts.map((part) => part.close()))
      await admin.disconnect()
    },
  }
}

async function createKafka({ config, clientId, telemetry }: KafkaClientOptions): Promise<Kafka> {
  const kafkajs = await loadKafkajs()
  const { brokers, tls, sasl } = config
  const settings: KafkajsConfig = {
    clientId,
    brokers: brokers.map(seedBroker),
    socketFactory: createSocketFactory(),
    ssl: tls,
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    retry: RETRY,
    logLevel: kafkajs.logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log }) =>
        telemetry.log('debug', 'kafkajs', { part: namespace, message: log.message }),
  }
  if (sasl !== null) settings.sasl = sasl as NonNullable<KafkajsConfig['sasl']>
  return new kafkajs.Kafka(settings)
}

/** A topic that was just made is unknown to some brokers for a moment. */
async function ensureTopic(
  admin: Admin,
  { topic, partitions, settings }: TopicSpec,
  { config: { replication }, clock }: KafkaClientOptions,
): Promise<TopicLayout> {
  for (let tries = 1; ; tries++) {
    try {
      if (!(await admin.listTopics()).includes(topic)) {
        const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
        const replicationFactor = replication ?? -1
        await admin.createTopics({
          topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
        })
      }
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      const layout = layoutOf(topics[0])
      if (layout !== null) return layout
    } catch (error) {
      if (!isTopicThere(error) && !isUnknownTopic(error)) throw kafkaError(error)
      if (tries >= TOPIC_TRIES) throw kafkaError(error)
    }
    await clock.sleep(TOPIC_PAUSE_MS)
  }
}

async function removeInboxes(kafka: Kafka, admin: Admin, topic: string): Promise<void> {
  try {
    await removeInboxWriters(kafka, admin, topic)
    const all = await admin.listTopics()
    const topics = all.filter((name) => name === topic || name.startsWith(`${topic}.`))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  } catch (error) {
    if (!isUnknownTopic(error)) throw kafkaError(error)
  }
}

async function minInSync(admin: Admin, name: string): Promise<number | null> {
  const { ConfigResourceTypes } = await loadKafkajs()
  const setting = 'min.insync.replicas'
  try {
    const { resources } = await admin.describeConfigs({
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configNames: [setting] }],
      includeSynonyms: false,
    })
    const found = resources[0]?.configEntries.find(({ configName }) => configName === setting)
    return found === undefined ? null : Number(found.configValue)
  } catch {
    // Not everybody who may write may look at settings.
    return null
  }
}

function layoutOf(metadata: ITopicMetadata | undefined): TopicLayout | null {
  if (metadata === undefined || metadata.partitions.length === 0) return null
  // A partition without a leader cannot be read or written yet.
  if (metadata.partitions.some(({ leader }) => leader < 0)) return null
  const replicas = metadata.partitions.map((partition) => partition.replicas.length)
  return { partitions: metadata.partitions.length, replicas: Math.min(...replicas) }
}

async function openProducer(kafka: Kafka, topic: string): Promise<KafkaProducer> {
  const { CompressionTypes, Partitioners } = await loadKafkajs()
  const producer: Producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: RETRY,
  })
  await producer.connect()
  return {
    async send(parts) {
      let bytes = 0
      const messages = parts.flatMap(({ partition, values }) =>
        values.map((value) => {
          bytes += value.length
          return { partition, value: bufferOf(value) }
        }),
      )
      const compression =
        bytes / parts.length < COMPRESSED_FROM_BYTES ? CompressionTypes.None : CompressionTypes.ZSTD
      const sent = { topic, messages, acks: -1, timeout: REQUEST_MS, compression }
      const stored = await producer.send(sent)
      return new Map(
        stored.flatMap(({ partition, baseOffset = '-1' }) =>
          Number(baseOffset) < 0 ? [] : [[partition, Number(baseOffset)] as const],
        ),
      )
    },
    close: () => producer.disconnect(),
  }
}

function bufferOf(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
