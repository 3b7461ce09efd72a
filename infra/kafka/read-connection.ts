// Fetching by offset, over the inner cluster of kafkajs 2.2.4, which its public part does not offer. The version is fixed in
// package.json and no other is expected; what is used of it is declared here.
//
// A broker answers the requests of one connection one after the other, so a fetch that waits for records holds up what is
// behind it: there are two connections, one that waits and one that does not.
import type { Kafka } from 'kafkajs'
import type { Closable } from '#ports/lifecycle'
import { outOfRangePartition } from './errors.ts'

export interface FetchPart {
  readonly partition: number
  readonly from: number
  readonly maxBytes: number
}

export interface FetchedRecord {
  readonly offset: number
  readonly value: Uint8Array
}

export interface FetchedPart {
  readonly partition: number
  /** Offset behind the last record that all in-sync replicas have. */
  readonly end: number
  /** From the wanted offset on. */
  readonly records: readonly FetchedRecord[]
  /** Where to read on: behind the last record, also where the broker's own marks stand. */
  readonly next: number
}

export interface ReadConnection extends Closable {
  /** Partitions by the broker that leads them. */
  leaders(partitions: readonly number[]): Promise<ReadonlyMap<string, readonly number[]>>
  /**
   * Records of partitions that one broker leads: at once when there are any, else after `waitMs` none.
   * @throws KafkaJSOffsetOutOfRange with the partition, and other errors of kafkajs
   */
  fetch(leader: string, parts: readonly FetchPart[], waitMs: number): Promise<FetchedPart[]>
  /** First kept offset, or end, of partitions, in their order. */
  offsets(partitions: readonly number[], which: 'start' | 'end'): Promise<readonly number[]>
}

/** Bytes of one reply, over all partitions. */
const REPLY_BYTES_MAX = 16 * 1024 * 1024
const METADATA_MS = 300_000
const READ_UNCOMMITTED = 0

interface InnerMessage {
  readonly offset: string
  readonly value: Buffer | null
  readonly isControlRecord?: boolean
}

interface InnerFetched {
  readonly partition: number
  readonly highWatermark: string
  readonly messages: readonly InnerMessage[]
}

export interface InnerBroker {
  /** Sends a request that kafkajs does not know, with its own encoding. */
  readonly connectionPool: { send<T>(request: object): Promise<T> }
  fetch(request: unknown): Promise<{
    readonly responses: readonly { readonly partitions: readonly InnerFetched[] }[]
  }>
}

export interface InnerCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>
  findBroker(which: { nodeId: string }): Promise<InnerBroker>
  findControllerBroker(): Promise<InnerBroker>
  fetchTopicsOffset(
    topics: readonly unknown[],
  ): Promise<
    readonly { partitions: readonly { readonly partition: number; readonly offset: string }[] }[]
  >
}

/** A cluster of its own, not connected yet. */
export function createCluster(kafka: Kafka): InnerCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find((its) =>
    String(its).includes('createCluster'),
  )
  if (symbol === undefined) throw new Error('this version of kafkajs has no inner cluster')
  const create = (kafka as unknown as Record<symbol, unknown>)[symbol]
  return (create as (options: unknown) => InnerCluster)({
    metadataMaxAge: METADATA_MS,
    allowAutoTopicCreation: false,
    isolationLevel: READ_UNCOMMITTED,
  })
}

/** A connection for the requests of one topic. It connects with the first request, and anew after a failure. */
export function openReadConnection(kafka: Kafka, topic: string): ReadConnection {
  const waiting = createPart(kafka, topic)
  const prompt = createPart(kafka, topic)
  return {
    leaders: (partitions) =>
      prompt(async (cluster) => {
        await cluster.refreshMetadataIfNecessary()
        return new Map(Object.entries(cluster.findLeaderForPartitions(topic, [...partitions])))
      }),
    fetch: (leader, parts, waitMs) =>
      (waitMs > 0 ? waiting : prompt)((cluster) =>
        fetchFrom(cluster, topic, leader, parts, waitMs),
      ),
    offsets: (partitions, which) =>
      prompt(async (cluster) => {
        await cluster.refreshMetadataIfNecessary()
        const wanted = partitions.map((partition) => ({ partition }))
        const [found] = await cluster.fetchTopicsOffset([
          { topic, partitions: wanted, fromBeginning: which === 'start' },
        ])
        const offsets = new Map(found?.partitions.map((its) => [its.partition, Number(its.offset)]))
        return partitions.map((partition) => {
          const offset = offsets.get(partition)
          if (offset === undefined) throw new Error(`partition ${partition} of ${topic} is missing`)
          return offset
        })
      }),
    close: async () => {
      await Promise.all([waiting.close(), prompt.close()])
    },
  }
}

interface Part extends Closable {
  <T>(work: (cluster: InnerCluster) => Promise<T>): Promise<T>
}

/** One cluster, connected before its first request, with its metadata asked for anew after a failed one. */
function createPart(kafka: Kafka, topic: string): Part {
  const cluster = createCluster(kafka)
  let ready: Promise<void> | null = null
  let closed = false
  const prepare = async (): Promise<void> => {
    await cluster.connect()
    await cluster.addTargetTopic(topic)
    await cluster.refreshMetadata()
  }
  const part = async <T>(work: (cluster: InnerCluster) => Promise<T>): Promise<T> => {
    if (closed) throw new Error('the connection is closed')
    ready ??= prepare()
    const mine = ready
    try {
      await mine
      return await work(cluster)
    } catch (error) {
      if (ready === mine && outOfRangePartition(error) === null) ready = null
      throw error
    }
  }
  const close = async (): Promise<void> => {
    closed = true
    await cluster.disconnect()
  }
  return Object.assign(part, { close })
}

async function fetchFrom(
  cluster: InnerCluster,
  topic: string,
  leader: string,
  parts: readonly FetchPart[],
  waitMs: number,
): Promise<FetchedPart[]> {
  const broker = await cluster.findBroker({ nodeId: leader })
  const { responses } = await broker.fetch({
    replicaId: -1,
    isolationLevel: READ_UNCOMMITTED,
    maxWaitTime: waitMs,
    minBytes: 1,
    maxBytes: REPLY_BYTES_MAX,
    topics: [
      {
        topic,
        partitions: parts.map(({ partition, from, maxBytes }) => ({
          partition,
          fetchOffset: from,
          maxBytes,
        })),
      },
    ],
  })
  const from = new Map(parts.map((part) => [part.partition, part.from]))
  return responses.flatMap(({ partitions }) =>
    partitions.map((fetched) => fetchedPart(fetched, from.get(fetched.partition) ?? 0)),
  )
}

/** A broker answers whole batches: the first may begin before what was asked for. */
function fetchedPart(fetched: InnerFetched, from: number): FetchedPart {
  const records: FetchedRecord[] = []
  let next = from
  for (const { offset: text, value, isControlRecord } of fetched.messages) {
    const offset = Number(text)
    if (offset < from) continue
    next = offset + 1
    if (isControlRecord !== true) records.push({ offset, value: value ?? EMPTY })
  }
  const { partition, highWatermark } = fetched
  return { partition, end: Number(highWatermark), records, next }
}

const EMPTY = new Uint8Array(0)
