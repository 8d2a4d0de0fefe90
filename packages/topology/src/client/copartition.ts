import type { TopicPartition } from '../record.ts'

export interface Subscriber<Id> {
  readonly id: Id
  readonly topics: readonly string[]
}

/**
 * Shares out partitions in ranges of their numbers, so that the same number of every topic goes to the same member (as
 * long as all subscribe to the same topics). Members count in the order given: pass them sorted.
 */
export function assignCopartitioned<Id>(
  members: readonly Subscriber<Id>[],
  partitionsOf: (topic: string) => number,
): Map<Id, TopicPartition[]> {
  const assigned = new Map<Id, TopicPartition[]>(members.map(({ id }) => [id, []]))
  const topics = [...new Set(members.flatMap(member => member.topics))]
  const most = Math.max(0, ...topics.map(partitionsOf))
  for (const topic of topics) {
    const subscribers = members.filter(member => member.topics.includes(topic))
    for (let partition = 0; partition < partitionsOf(topic); partition += 1) {
      const owner = subscribers[Math.floor((partition * subscribers.length) / most)]
      if (owner !== undefined) assigned.get(owner.id)?.push({ topic, partition })
    }
  }
  return assigned
}
