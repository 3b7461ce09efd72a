// Who reads which partition of the inboxes. kafkajs' own assigner deals the topics of its leader to all members, also to
// those that have not subscribed to them, so that partitions stay unread while members learn of a new topic at different
// times. This one deals each topic to its subscribers.
import type { PartitionAssigner } from 'kafkajs'
import { loadKafkajs } from './kafkajs.ts'

export interface Subscriber {
  readonly id: string
  readonly topics: readonly string[]
}

export type Dealt = ReadonlyMap<string, Readonly<Record<string, readonly number[]>>>

/** Deals every partition to one subscriber of its topic, evenly; the same for the same members in any order. */
export function dealPartitions(
  members: readonly Subscriber[],
  partitionsOf: (topic: string) => readonly number[],
): Dealt {
  const dealt = new Map(members.map(({ id }) => [id, {} as Record<string, number[]>]))
  const counts = new Map(members.map(({ id }) => [id, 0]))
  const topics = [...new Set(members.flatMap(({ topics }) => topics))].sort()
  for (const topic of topics) {
    const subscribers = members.filter((member) => member.topics.includes(topic))
    for (const partition of partitionsOf(topic)) {
      const [least] = subscribers
        .map(({ id }) => id)
        .sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0) || (a < b ? -1 : 1))
      if (least === undefined) continue
      counts.set(least, (counts.get(least) ?? 0) + 1)
      const mine = dealt.get(least) ?? {}
      mine[topic] = [...(mine[topic] ?? []), partition]
    }
  }
  return dealt
}

export async function subscribersAssigner(): Promise<PartitionAssigner> {
  const { AssignerProtocol } = await loadKafkajs()
  const { MemberAssignment, MemberMetadata } = AssignerProtocol
  const version = 0
  const name = 'millrace-subscribers'
  return ({ cluster }) => ({
    name,
    version,
    async assign({ members }) {
      const subscribers = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        topics: MemberMetadata.decode(memberMetadata)?.topics ?? [],
      }))
      const topics = subscribers.flatMap((member) => member.topics)
      await cluster.addMultipleTargetTopics([...new Set(topics)])
      const dealt = dealPartitions(subscribers, (topic) =>
        cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
      )
      return [...dealt].map(([memberId, parts]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version,
          assignment: parts as Record<string, number[]>,
          userData: Buffer.alloc(0),
        }),
      }))
    },
    protocol: ({ topics }) => ({
      name,
      metadata: MemberMetadata.encode({ version, topics, userData: Buffer.alloc(0) }),
    }),
  })
}
