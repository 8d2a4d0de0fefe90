import '../wire/seed.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assignCopartitioned } from '../../src/client/copartition.ts'
import { formatTopicPartition } from '../../src/record.ts'

const topicCounts = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 12 }), {
  minKeys: 1,
})

test('members of one subscription share everything evenly, the same numbers of all topics together', () => {
  fc.assert(
    fc.property(topicCounts, fc.integer({ min: 1, max: 15 }), (counts, size) => {
      const topics = Object.keys(counts)
      const members = Array.from({ length: size }, (_, id) => ({ id, topics }))
      const assigned = assignCopartitioned(members, topic => counts[topic]!)
      const owners = new Map<string, number>()
      for (const [id, partitions] of assigned)
        for (const { topic, partition } of partitions) {
          assert.ok(!owners.has(formatTopicPartition(topic, partition)))
          owners.set(formatTopicPartition(topic, partition), id)
        }
      for (const topic of topics)
        for (let partition = 0; partition < counts[topic]!; partition += 1)
          for (const other of topics)
            if (partition < counts[other]!)
              assert.equal(
                owners.get(formatTopicPartition(topic, partition)),
                owners.get(formatTopicPartition(other, partition)),
              )
      const largest = topics.toSorted((a, b) => counts[b]! - counts[a]!)[0]!
      const shares = Array.from(
        assigned.values(),
        parts => parts.filter(({ topic }) => topic === largest).length,
      )
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0),
        counts[largest],
      )
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1)
    }),
    { numRuns: 500 },
  )
})

test('a topic goes to those who subscribe to it', () => {
  const assigned = assignCopartitioned(
    [
      { id: 'x', topics: ['a', 'b'] },
      { id: 'y', topics: ['b'] },
    ],
    () => 2,
  )
  assert.deepEqual(assigned.get('x'), [
    { topic: 'a', partition: 0 },
    { topic: 'a', partition: 1 },
    { topic: 'b', partition: 0 },
  ])
  assert.deepEqual(assigned.get('y'), [{ topic: 'b', partition: 1 }])
})
