import type { DeliveryAssignment } from '../../operators/destination.ts'
import type { CompiledTopology } from '../../plan/compiled.ts'
import { largestSource, type TopicPartitions } from '../start-up.ts'

interface Share {
  readonly subTopology: number
  readonly partitionCount: number
  readonly tell: (assignment: DeliveryAssignment) => void
  /** What was told last, as text. */
  told: string | undefined
}

/** Tells the destinations that share something out which of their step's tasks this process has. */
export class DeliveryShares {
  readonly #shares: readonly Share[]

  constructor({ subTopologies }: CompiledTopology, partitions: TopicPartitions) {
    this.#shares = subTopologies.flatMap(subTopology =>
      subTopology.deliveries
        .filter(({ destination }) => destination.onAssignment !== undefined)
        .map(({ destination }) => ({
          subTopology: subTopology.id,
          partitionCount: largestSource(subTopology, partitions),
          tell: assignment => destination.onAssignment?.(assignment),
          told: undefined,
        })),
    )
  }

  /** Nothing is said where nothing has changed. */
  tell(tasks: readonly { readonly subTopology: number; readonly partition: number }[]): void {
    for (const share of this.#shares) {
      const partitions = tasks
        .filter(({ subTopology }) => subTopology === share.subTopology)
        .map(({ partition }) => partition)
        .toSorted((a, b) => a - b)
      const told = partitions.join(' ')
      if (told === share.told) continue
      share.told = told
      share.tell({ partitions, partitionCount: share.partitionCount })
    }
  }
}
