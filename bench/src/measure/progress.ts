import { ListOffsetTimestamps, type Admin } from '@platformatic/kafka'

/** The sum over a topic's partitions; the number of records where nothing but records was written. */
export async function endOffsets(admin: Admin, topic: string, partitions: number): Promise<number> {
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

/** Records that the group has committed; a partition for which it has committed nothing counts as 0. */
export async function committedOffsets(admin: Admin, group: string, topic: string): Promise<number> {
  const [offsets] = await admin.listConsumerGroupOffsets({ groups: [group] })
  const partitions = offsets?.topics.find(({ name }) => name === topic)?.partitions ?? []
  return partitions.reduce((sum, { committedOffset }) => sum + Math.max(0, Number(committedOffset)), 0)
}
