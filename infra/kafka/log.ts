// A log over one topic. Appends go through one lane of one idempotent producer; reads by offset, from long polls.
import type { Clock } from '#ports/clock'
import { MillraceError } from '#ports/errors'
import type { Health } from '#ports/lifecycle'
import type { Log } from '#ports/log'
import type { Telemetry } from '#ports/telemetry'
import type { KafkaClient, KafkaProducer, ProducePart, TopicLayout } from './client.ts'
import { isProducerSpent, isRefused, kafkaError } from './errors.ts'
import { createTopicReader } from './log-reader.ts'
import { createProducerLane, type ProducerLane, type Remedy, type Sent } from './producer-lane.ts'
import type { ReadConnection } from './read-connection.ts'

/** Bytes of one batch; a larger append is sent as several. Topics are made to take a single value of twice as much. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024
/** Below it a lost disk may take acknowledged records along. */
const REPLICAS_WANTED = 3
/** Below it the lost disk may be the only one that has an acknowledged record. */
const IN_SYNC_WANTED = 2

export interface KafkaLogOptions {
  readonly client: KafkaClient
  readonly topic: string
  /** What the log is called in health and metrics: events, control, dead-letters. */
  readonly name: string
  readonly layout: TopicLayout
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** Opens the log of a topic that is there. @throws MillraceError LOG_UNAVAILABLE */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const { client, topic, clock, telemetry, layout, name } = options
  const { partitions } = layout
  // Asked for once, as the layout is: health is told also while no broker answers.
  const minInSync = client.minInSync(topic)
  const connection = client.openReader(topic)
  const reader = createTopicReader({ topic, connection, partitions, clock, telemetry })
  let trouble: MillraceError | null = null
  const { lane, closeProducer } = await openLane(options, connection, (error) => {
    if (error !== null) telemetry.log('error', 'log-write-failed', { log: name, error })
    else telemetry.log('info', 'log-write-recovered', { log: name })
    trouble = error
  })
  let closed = false
  return {
    generation: reader.generation,
    partitions,
    end: (partition) => reader.end(partition),
    start: (partition) => reader.start(partition),
    read: (partition, from, maxBytes) => reader.read(partition, from, maxBytes),
    waitFor: (partition, offset, signal) => reader.waitFor(partition, offset, signal),
    async append(partition, values) {
      assertPartition(partition, layout)
      const place = { generation: reader.generation, partition }
      if (values.length === 0) return { ...place, offset: await reader.end(partition) }
      const offset = await appendAll(lane, partition, values)
      reader.moveEnd(partition, offset + values.length)
      telemetry.emit('millrace_log_groups_total', 1, { log: name })
      return { ...place, offset }
    },
    async trim(partition, before) {
      assertPartition(partition, layout)
      try {
        const [start, end] = [await reader.start(partition), await reader.end(partition)]
        const wanted = Math.min(before, end)
        if (wanted > start) await client.trim(topic, partition, wanted)
      } catch (error) {
        throw kafkaError(error)
      }
    },
    health: async () => healthOf(trouble, layout, await minInSync),
    async close() {
      if (closed) return
      closed = true
      await lane.close()
      await Promise.all([closeProducer(), reader.close()])
    },
  }
}

function assertPartition(partition: number, { partitions }: TopicLayout): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return
  throw new RangeError(`the log has no partition ${partition}`)
}

async function openLane(
  { client, topic, clock }: KafkaLogOptions,
  connection: ReadConnection,
  onTrouble: (error: MillraceError | null) => void,
): Promise<{ lane: ProducerLane; closeProducer: () => Promise<void> }> {
  let producer: KafkaProducer
  try {
    producer = await client.openProducer(topic)
  } catch (error) {
    throw kafkaError(error)
  }
  const lane = createProducerLane({
    clock,
    send: (parts) => sendByLeader(producer, connection, parts),
    remedy: remedyFor,
    renew: async () => {
      const spent = producer
      producer = await client.openProducer(topic)
      await spent.close()
    },
    toError: kafkaError,
    onTrouble,
  })
  return { lane, closeProducer: () => producer.close() }
}

/** One request a leader, so that what one of them has stored is known whatever becomes of the others. */
async function sendByLeader(
  producer: KafkaProducer,
  connection: ReadConnection,
  parts: readonly ProducePart[],
): Promise<Sent> {
  const leaders = await connection.leaders(parts.map(({ partition }) => partition))
  const sends = [...leaders.values()].map((led) =>
    producer.send(parts.filter(({ partition }) => led.includes(partition))),
  )
  const stored = new Map<number, number>()
  let failure: unknown = new Error('the brokers did not say where they have the records')
  for (const sent of await Promise.allSettled(sends)) {
    if (sent.status === 'rejected') failure = sent.reason
    else for (const [partition, offset] of sent.value) stored.set(partition, offset)
  }
  return { stored, failure }
}

function remedyFor(error: unknown): Remedy {
  if (isProducerSpent(error)) return 'renew'
  return isRefused(error) ? 'refuse' : 'again'
}

/** Appends in pieces that a broker takes; the offset of the first. */
async function appendAll(
  lane: ProducerLane,
  partition: number,
  values: readonly Uint8Array[],
): Promise<number> {
  const pieces = split(values)
  const offsets = await Promise.all(pieces.map((piece) => lane.append(partition, piece)))
  const [first = 0] = offsets
  let next = first
  for (const [i, piece] of pieces.entries()) {
    if (offsets[i] !== next) {
      const reason = 'another process wrote between the pieces of one large append'
      throw new MillraceError('LOG_UNAVAILABLE', { reason })
    }
    next += piece.length
  }
  return first
}

function split(values: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  const pieces: Uint8Array[][] = []
  let piece: Uint8Array[] = []
  let bytes = 0
  for (const value of values) {
    if (piece.length > 0 && bytes + value.length > BATCH_BYTES_MAX) {
      pieces.push(piece)
      piece = []
      bytes = 0
    }
    piece.push(value)
    bytes += value.length
  }
  pieces.push(piece)
  return pieces
}

export function healthOf(
  trouble: MillraceError | null,
  { partitions, replicas }: TopicLayout,
  minInSync: number | null,
): Health {
  const name = 'log'
  if (trouble !== null) {
    return { name, status: 'failed', detail: trouble.message, hint: trouble.hint }
  }
  const copies = replicas === 1 ? '1 replica' : `${replicas} replicas`
  const inSync = minInSync === null ? '' : `, min.insync.replicas ${minInSync}`
  const detail = `Kafka: ${partitions} partitions, ${copies}${inSync}.`
  const isSafe = replicas >= REPLICAS_WANTED && (minInSync ?? IN_SYNC_WANTED) >= IN_SYNC_WANTED
  if (isSafe) return { name, status: 'ok', detail }
  const hint = `A lost disk may lose events: keep ${REPLICAS_WANTED} replicas, with min.insync.replicas ${IN_SYNC_WANTED}.`
  return { name, status: 'ok', detail, hint }
}
