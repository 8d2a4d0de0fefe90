import type { GroupListener } from '../../src/client/ports.ts'
import { formatTopicPartition, type TopicPartition } from '../../src/record.ts'

/** Follows what a member owns, and lets a test hold up a revocation. */
export class GroupRecorder implements GroupListener {
  readonly owned: Set<string> = new Set()
  readonly errors: Error[] = []
  readonly lost: string[] = []
  /** Runs inside each revocation, before the partitions are let go. */
  whileRevoking: (partitions: readonly TopicPartition[]) => Promise<void> = () => Promise.resolve()
  #isCalled = false

  onAssigned(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#call(async () => {
      for (const { topic, partition } of partitions) this.owned.add(formatTopicPartition(topic, partition))
    })
  }

  onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#call(async () => {
      await this.whileRevoking(partitions)
      this.#drop(partitions)
    })
  }

  /** Waits for no other call. */
  async onLost(partitions: readonly TopicPartition[]): Promise<void> {
    this.lost.push(...this.#drop(partitions))
  }

  onError(error: Error): void {
    this.errors.push(error)
  }

  #drop(partitions: readonly TopicPartition[]): string[] {
    const names = partitions.map(({ topic, partition }) => formatTopicPartition(topic, partition))
    for (const name of names)
      if (!this.owned.delete(name))
        this.errors.push(new Error(`${name} was taken away without having been assigned`))
    return names
  }

  async #call(run: () => Promise<void>): Promise<void> {
    if (this.#isCalled) this.errors.push(new Error('two calls of the listener at once'))
    this.#isCalled = true
    await run()
    this.#isCalled = false
  }
}
