// The logs over Kafka, one topic each, and what direct producers find beside them. They are made when they are missing; the number of the event log's partitions
// is then fixed for its life.
import type { Clock } from '#ports/clock'
import type { DirectProducers } from '#ports/inboxes'
import type { Closable } from '#ports/lifecycle'
import type { Log, LogReader } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import { DEFAULT_CHANNEL } from '#schemas/event'
import { openKafkaClient } from './client.ts'
import { readKafkaUrl } from './config.ts'
import { createKafkaInboxes, inboxTopic } from './inboxes.ts'
import { openKafkaLog } from './log.ts'
import { createTopicReader } from './log-reader.ts'
import { createRegistryClient } from './registry-client.ts'
import { createSchemaRegistry } from './schema-registry.ts'

export interface KafkaLogs extends Closable {
  readonly events: Log
  readonly control: Log
  readonly deadLetters: Log
  readonly direct: DirectProducers
  /** Where the sinks of all processes tell their places. */
  readonly places: Log
}

export interface KafkaLogsOptions {
  readonly url: string
  /** Begins the names of the topics. */
  readonly prefix: string
  readonly clock: Clock
  readonly telemetry: Telemetry
  /** See `TopicReaderOptions`. */
  readonly paceMs?: number
}

/**
 * Kept until Millrace trims it, which it does only behind the archive: a broker would not ask. A batch may hold one value as
 * large as the largest body an event server takes, and more.
 */
const SETTINGS = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'compression.type': 'producer',
  'max.message.bytes': String(16 * 1024 * 1024),
}

const topicsOf = (prefix: string) => ({
  events: `${prefix}.events`,
  control: `${prefix}.control`,
  deadLetters: `${prefix}.dead-letters`,
  schemas: `${prefix}.schemas`,
  places: `${prefix}.places`,
})

/** @throws MillraceError CONFIG_INVALID, SERVER_UNREACHABLE, SERVER_REFUSED, LOG_UNAVAILABLE */
export async function openKafkaLogs(options: KafkaLogsOptions): Promise<KafkaLogs> {
  const { url, prefix, clock, telemetry } = options
  const config = readKafkaUrl(url)
  const topics = topicsOf(prefix)
  const client = await openKafkaClient({ config, clientId: prefix, clock, telemetry })
  const open = async (name: string, topic: string, partitions: number): Promise<Log> => {
    const layout = await client.ensureTopic({ topic, partitions, settings: SETTINGS })
    return openKafkaLog({ client, topic, name, layout, clock, telemetry })
  }
  try {
    const [events, control, deadLetters, schemas, places] = await Promise.all([
      open('events', topics.events, config.partitions),
      open('control', topics.control, 1),
      open('dead-letters', topics.deadLetters, 1),
      open('schemas', topics.schemas, 1),
      open('places', topics.places, 1),
    ])
    const direct: DirectProducers = {
      registry:
        config.registry === null
          ? createSchemaRegistry(schemas)
          : createRegistryClient({ url: config.registry, clock }),
      allow: async (user, app) => {
        const topic = inboxTopic(prefix, { app, channel: DEFAULT_CHANNEL })
        return { topic, password: await client.addInboxWriter({ user, topic }) }
      },
      forget: (app) => client.removeInboxes(inboxTopic(prefix, { app, channel: DEFAULT_CHANNEL })),
      openInboxes: (handler) => createKafkaInboxes({ client, prefix, handler, clock, telemetry }),
    }
    const close = async (): Promise<void> => {
      const logs = [events, control, deadLetters, schemas, places]
      await Promise.all(logs.map((log) => log.close()))
      await client.close()
    }
    return { events, control, deadLetters, places, direct, close }
  } catch (error) {
    await client.close()
    throw error
  }
}

/** Opens the event log to read, in another thread or process. The topic must be there. @throws MillraceError LOG_UNAVAILABLE */
export async function openKafkaLogReader(options: KafkaLogsOptions): Promise<LogReader> {
  const { url, prefix, clock, telemetry, paceMs } = options
  const config = readKafkaUrl(url)
  const topic = topicsOf(prefix).events
  const client = await openKafkaClient({ config, clientId: prefix, clock, telemetry })
  try {
    const { partitions } = config
    const layout = await client.ensureTopic({ topic, partitions, settings: SETTINGS })
    const connection = client.openReader(topic)
    const reader = createTopicReader({
      ...{ ...layout, topic, connection, clock, telemetry },
      ...(paceMs !== undefined && { paceMs }),
    })
    const closeReader = reader.close.bind(reader)
    reader.close = async () => {
      await closeReader()
      await client.close()
    }
    return reader
  } catch (error) {
    await client.close()
    throw error
  }
}
