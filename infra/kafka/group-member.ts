// One member of a consumer group that divides the partitions of a topic and reads nothing.
import type { Kafka } from 'kafkajs'
import type { Closable } from '#ports/lifecycle'

export interface GroupSpec {
  readonly group: string
  readonly topic: string
  /** The partitions of this member, each time they change, in ascending order. */
  readonly onAssigned: (partitions: readonly number[]) => void
}

/** A member that is silent for so long is out, and its partitions are given to the others. */
const SESSION_MS = 10_000
const HEARTBEAT_MS = 1000
/** A leave waits for the fetch under way. */
const FETCH_WAIT_MS = 500

/** Joins the group and stays in it until it is closed; after a failure it joins again by itself. */
export async function joinGroup(kafka: Kafka, spec: GroupSpec): Promise<Closable> {
  const { group, topic, onAssigned } = spec
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: SESSION_MS,
    rebalanceTimeout: SESSION_MS,
    heartbeatInterval: HEARTBEAT_MS,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    allowAutoTopicCreation: false,
    retry: { retries: 5, restartOnFailure: async () => true },
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const assigned = payload.memberAssignment[topic] ?? []
    onAssigned(assigned.toSorted((a, b) => a - b))
  })
  await consumer.connect()
  await consumer.subscribe({ topic })
  await consumer.run({ eachBatch: async () => {} })
  return { close: () => consumer.disconnect() }
}
