import { ListOffsetTimestamps, type Admin } from '@platformatic/kafka'
import { DEAD_LETTER_TOPICS, GROUPS, PARTITIONS } from './topics.ts'

export interface Offsets {
  /** Domain events that `marketing-events` has committed, malformed ones included. */
  readonly processed: number
  /** Marketing events that were written so far. */
  readonly marketingEvents: number
  /** Marketing events that `braze-sink` has committed. */
  readonly delivered: number
  /** Records behind the committed offsets of both groups. */
  readonly lag: number
}

/**
 * How far both groups are, as the brokers know it. In this order: the first group commits only what is written to the
 * second topic, so that a lag of 0 means that nothing more is to come.
 */
export async function readOffsets(admin: Admin): Promise<Offsets> {
  const [first, second] = ['marketing-events', 'braze-sink'] as const
  const processed = await committed(admin, first)
  const domainEvents = await recordsIn(admin, GROUPS[first], PARTITIONS)
  const delivered = await committed(admin, second)
  const marketingEvents = await recordsIn(admin, GROUPS[second], PARTITIONS)
  return {
    processed,
    marketingEvents,
    delivered,
    lag: domainEvents - processed + (marketingEvents - delivered),
  }
}

/** Over the dead-letter topics of both services; each has at most as many partitions as the demo's topics. */
export async function countDeadLetters(admin: Admin): Promise<number> {
  const { topics } = await admin.metadata({ topics: [...DEAD_LETTER_TOPICS], forceUpdate: true })
  let count = 0
  for (const [name, { partitionsCount }] of topics) count += await recordsIn(admin, name, partitionsCount)
  return count
}

/** From offset 0 on: the topics are the demo's own, and nothing in them is old enough to be deleted. */
async function recordsIn(admin: Admin, topic: string, partitions: number): Promise<number> {
  const [listed] = await admin.listOffsets({
    topics: [
      {
        name: topic,
        partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
          partitionIndex,
          timestamp: ListOffsetTimestamps.LATEST,
        })),
      },
    ],
  })
  return listed!.partitions.reduce((sum, { offset }) => sum + Number(offset), 0)
}

/** A partition for which the group has committed nothing counts as 0. */
async function committed(admin: Admin, group: keyof typeof GROUPS): Promise<number> {
  const [offsets] = await admin.listConsumerGroupOffsets({ groups: [group] })
  const partitions = offsets?.topics.find(({ name }) => name === GROUPS[group])?.partitions ?? []
  return partitions.reduce((sum, { committedOffset }) => sum + Math.max(0, Number(committedOffset)), 0)
}
