import { formatTopicPartition, type TopicPartition } from '../record.ts'
import type { GroupListener } from './ports.ts'

interface Owned {
  readonly partition: TopicPartition
  /** Tells one time of owning a partition from another. */
  readonly stamp: number
}

function nameOf({ topic, partition }: TopicPartition): string {
  return formatTopicPartition(topic, partition)
}

/** What a member owns, and the calls of its listener about it: one after the other, but for losses, which wait for none. */
export class Ownership {
  readonly #listener: GroupListener
  readonly #owned = new Map<string, Owned>()
  #calls: Promise<void> = Promise.resolve()
  #stamps = 0

  constructor(listener: GroupListener) {
    this.#listener = listener
  }

  get partitions(): TopicPartition[] {
    return Array.from(this.#owned.values(), ({ partition }) => partition)
  }

  /** Undefined when the partition is not owned; another number each time that it is assigned. */
  stampOf(partition: TopicPartition): number | undefined {
    return this.#owned.get(nameOf(partition))?.stamp
  }

  /**
   * Resolves when the listener has let go of whatever is not in `kept`; until then it is owned. False when there was
   * nothing to let go of.
   */
  async revokeAllBut(kept: readonly TopicPartition[]): Promise<boolean> {
    let hasRevoked = false
    await this.#inTurn(async () => {
      const names = new Set(kept.map(nameOf))
      const revoked = this.partitions.filter(partition => !names.has(nameOf(partition)))
      if (revoked.length === 0) return
      hasRevoked = true
      try {
        await this.#listener.onRevoked(revoked)
      } finally {
        for (const partition of revoked) this.#owned.delete(nameOf(partition))
      }
    })
    return hasRevoked
  }

  assign(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#inTurn(async () => {
      const added = partitions.filter(partition => !this.#owned.has(nameOf(partition)))
      if (added.length === 0) return
      for (const partition of added) this.#owned.set(nameOf(partition), { partition, stamp: ++this.#stamps })
      await this.#listener.onAssigned(added)
    })
  }

  /**
   * Everything is gone at once, and so the listener hears of it: a revocation that is under way has nothing left to wait for.
   * Resolves when both are over.
   */
  lose(): Promise<void> {
    const lost = this.partitions
    this.#owned.clear()
    const told = lost.length === 0 ? undefined : this.#guarded(() => this.#listener.onLost(lost))
    return this.#inTurn(async () => {
      await told
    })
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    this.#calls = this.#calls.then(() => this.#guarded(run))
    return this.#calls
  }

  /** Never rejects: what the listener throws goes to its `onError`. */
  async #guarded(run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#listener.onError(error as Error)
    }
  }
}
