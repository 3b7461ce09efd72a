import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dealPartitions } from '../../infra/kafka/inbox-assigner.ts'

const four = (): number[] => [0, 1, 2, 3]

test('inbox assigner: every partition goes to one subscriber of its topic, evenly', () => {
  const members = [
    { id: 'a', topics: ['old', 'new'] },
    { id: 'b', topics: ['old'] },
    { id: 'c', topics: ['old', 'new'] },
  ]
  const dealt = dealPartitions(members, four)
  const ofTopic = (topic: string): number[] =>
    [...dealt.values()].flatMap((parts) => parts[topic] ?? []).sort()
  assert.deepEqual(ofTopic('old'), [0, 1, 2, 3])
  assert.deepEqual(ofTopic('new'), [0, 1, 2, 3])
  assert.equal(dealt.get('b')?.new, undefined)
  const counts = [...dealt.values()].map((parts) => Object.values(parts).flat().length)
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 2, counts.join())
  assert.deepEqual(dealPartitions(members.toReversed(), four).get('a'), dealt.get('a'))
})

test('inbox assigner: a member without partitions is told so, and no topic is nobody’s', () => {
  const dealt = dealPartitions(
    [
      { id: 'a', topics: [] },
      { id: 'b', topics: ['t'] },
    ],
    () => [0],
  )
  assert.deepEqual(
    [...dealt],
    [
      ['a', {}],
      ['b', { t: [0] }],
    ],
  )
})
