import type { TopicPartition } from '../../record.ts'
import type { Admin, OffsetSpec, TopicDescription, TopicSpec } from '../ports.ts'

/** Topics that would have been created seem to be there, and empty. */
export class SpectatorAdmin implements Admin {
  readonly #admin: Admin
  readonly #imagined = new Map<string, TopicSpec>()

  constructor(admin: Admin) {
    this.#admin = admin
  }

  isImagined(topic: string): boolean {
    return this.#imagined.has(topic)
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<void> {
    const found = await this.#admin.describeTopics(specs.map(({ name }) => name))
    for (const [i, spec] of specs.entries()) {
      if (found[i] === undefined) this.#imagined.set(spec.name, spec)
    }
  }

  async describeTopics(names: readonly string[]): Promise<readonly (TopicDescription | undefined)[]> {
    const found = await this.#admin.describeTopics(names)
    return names.map((name, i) => {
      const spec = this.#imagined.get(name)
      if (spec === undefined) return found[i]
      return { name, partitions: spec.partitions, cleanupPolicy: spec.config?.['cleanup.policy'] ?? 'delete' }
    })
  }

  async topicConfigs(
    topics: readonly string[],
    names: readonly string[],
  ): Promise<readonly (ReadonlyMap<string, string> | undefined)[]> {
    const found = await this.#admin.topicConfigs(topics, names)
    return topics.map((topic, i) => {
      const spec = this.#imagined.get(topic)
      if (spec === undefined) return found[i]
      return new Map(Object.entries(spec.config ?? {}).filter(([name]) => names.includes(name)))
    })
  }

  async listOffsets(
    partitions: readonly TopicPartition[],
    spec: OffsetSpec,
    isolation: 'read-committed' | 'read-uncommitted',
  ): Promise<readonly number[]> {
    const real = partitions.filter(({ topic }) => !this.isImagined(topic))
    const offsets = real.length === 0 ? [] : await this.#admin.listOffsets(real, spec, isolation)
    let next = 0
    return partitions.map(({ topic }) => (this.isImagined(topic) ? 0 : (offsets[next++] as number)))
  }

  /** The client's to close. */
  close(): Promise<void> {
    return Promise.resolve()
  }
}
