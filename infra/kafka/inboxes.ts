// Inboxes over Kafka: one consumer group for all of them. A consumer cannot take up a topic while it runs, so when the set of
// inboxes changes it leaves and a new one joins; what others of the group read goes on.
import type { Consumer, EachBatchPayload } from 'kafkajs'
import type { Clock } from '#ports/clock'
import { asMillraceError, type MillraceError } from '#ports/errors'
import type { Inbox, Inboxes, InboxHandler, InboxRecord } from '#ports/inboxes'
import type { Health } from '#ports/lifecycle'
import type { Telemetry } from '#ports/telemetry'
import { DEFAULT_CHANNEL } from '#schemas/event'
import type { KafkaClient } from './client.ts'
import { kafkaError } from './errors.ts'
import { subscribersAssigner } from './inbox-assigner.ts'

/** Partitions of an inbox that is made here. */
const PARTITIONS = 4
/** What an inbox keeps: long enough to come back from anything, and by then it is in the log. */
const SETTINGS = {
  'cleanup.policy': 'delete',
  'retention.ms': String(7 * 24 * 3_600_000),
  'max.message.bytes': String(8 * 1024 * 1024),
}
const SESSION_MS = 15_000
const HEARTBEAT_MS = 3_000
const REBALANCE_MS = 30_000
/** Longest a broker waits for records; leaving the group takes as long. */
const WAIT_MS = 500
/** Records handed over at once. */
const SLICE = 500
const PARTITIONS_AT_ONCE = 4
const RETRY_MS = 2_000

export interface KafkaInboxesOptions {
  readonly client: KafkaClient
  readonly prefix: string
  readonly handler: InboxHandler
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** `millrace.inbox.app-1`, `millrace.inbox.app-1.channel-2`: what an access rule of Kafka can name. */
export function inboxTopic(prefix: string, { app, channel }: Inbox): string {
  const whole = `${prefix}.inbox.app-${app}`
  return channel === DEFAULT_CHANNEL ? whole : `${whole}.channel-${channel}`
}

export function createKafkaInboxes(options: KafkaInboxesOptions): Inboxes {
  return new KafkaInboxes(options)
}

class KafkaInboxes implements Inboxes {
  readonly #options: KafkaInboxesOptions
  readonly #closing = new AbortController()
  #wanted: ReadonlyMap<string, Inbox> = new Map()
  #served: ReadonlyMap<string, Inbox> = new Map()
  #consumer: Consumer | null = null
  #changing: Promise<void> | null = null
  #trouble: MillraceError | null = null

  constructor(options: KafkaInboxesOptions) {
    this.#options = options
  }

  serve(inboxes: readonly Inbox[]): void {
    const { prefix } = this.#options
    this.#wanted = new Map(inboxes.map((inbox) => [inboxTopic(prefix, inbox), inbox]))
    this.#changing ??= this.#change().finally(() => {
      this.#changing = null
    })
  }

  async health(): Promise<Health> {
    const name = 'inboxes'
    const trouble = this.#trouble
    if (trouble !== null) {
      return { name, status: 'degraded', detail: trouble.message, hint: trouble.hint }
    }
    return { name, status: 'ok', detail: `${this.#served.size} inboxes are read.` }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#changing
    await this.#leave()
  }

  /** Until what is served is what is wanted. */
  async #change(): Promise<void> {
    const { clock, telemetry } = this.#options
    const { signal } = this.#closing
    while (!signal.aborted && !sameTopics(this.#wanted, this.#served)) {
      const wanted = this.#wanted
      try {
        for (const topic of wanted.keys()) {
          const partitions = PARTITIONS
          await this.#options.client.ensureTopic({ topic, partitions, settings: SETTINGS })
        }
        await this.#leave()
        if (wanted.size > 0) await this.#join(wanted)
        this.#served = wanted
        this.#trouble = null
        telemetry.log('info', 'inboxes-read', { inboxes: wanted.size })
      } catch (error) {
        this.#note(error)
        await clock.sleep(RETRY_MS, signal)
      }
    }
  }

  #note(error: unknown): void {
    this.#trouble = asMillraceError(kafkaError(error))
    const { code, message: reason } = this.#trouble
    this.#options.telemetry.log('warn', 'inboxes-failed', { code, reason })
  }

  async #leave(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = null
    this.#served = new Map()
    await consumer?.disconnect()
  }

  async #join(inboxes: ReadonlyMap<string, Inbox>): Promise<void> {
    const { client, prefix } = this.#options
    const consumer = client.openConsumer({
      groupId: `${prefix}.inboxes`,
      partitionAssigners: [await subscribersAssigner()],
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTimeInMs: WAIT_MS,
      allowAutoTopicCreation: false,
      retry: { retries: 5, restartOnFailure: async () => !this.#closing.signal.aborted },
    })
    this.#consumer = consumer
    consumer.on(consumer.events.CRASH, ({ payload }) => this.#note(payload.error))
    consumer.on(consumer.events.GROUP_JOIN, () => {
      this.#trouble = null
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [...inboxes.keys()], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.#take(consumer, inboxes, payload),
    })
  }

  /** One batch of a partition, in slices: what is committed is in the log or in dead letters. */
  async #take(
    consumer: Consumer,
    inboxes: ReadonlyMap<string, Inbox>,
    { batch, heartbeat, resolveOffset, isRunning, isStale }: EachBatchPayload,
  ): Promise<void> {
    const { topic, partition } = batch
    const inbox = inboxes.get(topic)
    if (inbox === undefined) return
    const { signal } = this.#closing
    for (let at = 0; at < batch.messages.length; at += SLICE) {
      if (!isRunning() || isStale()) return
      const records = batch.messages.slice(at, at + SLICE).map(
        ({ offset, timestamp, value }): InboxRecord => ({
          ...{ topic, partition, offset: Number(offset), timestamp },
          value,
        }),
      )
      await this.#options.handler({ inbox, records, alive: heartbeat, signal })
      const last = batch.messages[Math.min(at + SLICE, batch.messages.length) - 1]?.offset ?? '0'
      resolveOffset(last)
      await consumer.commitOffsets([{ topic, partition, offset: String(Number(last) + 1) }])
      await heartbeat()
    }
  }
}

function sameTopics(a: ReadonlyMap<string, Inbox>, b: ReadonlyMap<string, Inbox>): boolean {
  return a.size === b.size && [...a.keys()].every((topic) => b.has(topic))
}
