import type {
  BatchProducer,
  Fetcher,
  GroupListener,
  GroupMember,
  KafkaClient,
  PlainProducer,
  TransactionalProducer,
} from '../../src/client/ports.ts'
import type { TopicPartition } from '../../src/record.ts'

/** What a test hears of a process's dealings with Kafka, at the moment they happen. */
export interface MortalEvents {
  onDeath(): void
  onAssigned(partitions: readonly TopicPartition[]): void
  /** The listener has let go of them, `isLate`: after they were lost. */
  onReleased(partitions: readonly TopicPartition[], isLate: boolean): void
  onSendRejected(error: unknown): void
  onCommit(hasSucceeded: boolean): void
}

/** The client of a process that can be killed: from then on no call is answered and nothing is heard. */
export class MortalClient {
  readonly client: KafkaClient
  isDead = false
  readonly #kafka: KafkaClient
  readonly #events: MortalEvents
  #callsLeft: number | undefined
  #lastTakesEffect = false

  constructor(kafka: KafkaClient, events: MortalEvents) {
    this.#kafka = kafka
    this.#events = events
    this.client = {
      admin: kafka.admin,
      groups: kafka.groups,
      createFetcher: options => this.#fetcher(kafka.createFetcher(options)),
      createProducer: async () => this.#plainProducer(await kafka.createProducer()),
      createTransactionalProducer: async options =>
        this.#transactional(await kafka.createTransactionalProducer(options)),
      createGroupMember: options => this.#member(kafka.createGroupMember(options)),
      close: () => kafka.close(),
    }
  }

  die(): void {
    if (this.isDead) return
    this.isDead = true
    this.#events.onDeath()
    void this.#kafka.close()
  }

  /** Dies in a call: the one after `calls` others. Kafka may or may not hear of that one. */
  dieIn(calls: number, lastTakesEffect: boolean): void {
    this.#callsLeft = calls
    this.#lastTakesEffect = lastTakesEffect
  }

  /** Does not die after all. */
  spare(): void {
    this.#callsLeft = undefined
  }

  #call<T>(run: () => Promise<T>): Promise<T> {
    if (this.isDead) return new Promise(() => undefined)
    if (this.#callsLeft === 0) {
      this.die()
      if (this.#lastTakesEffect) void run().catch(() => undefined)
      return new Promise(() => undefined)
    }
    if (this.#callsLeft !== undefined) this.#callsLeft -= 1
    // An answer to a process that has died meanwhile reaches nobody.
    return new Promise((resolve, reject) => {
      run().then(
        result => {
          if (!this.isDead) resolve(result)
        },
        (error: unknown) => {
          if (!this.isDead) reject(error as Error)
        },
      )
    })
  }

  #fetcher(fetcher: Fetcher): Fetcher {
    return {
      assign: (partition, offset, listener) =>
        fetcher.assign(partition, offset, {
          onBatch: batch => {
            if (!this.isDead) listener.onBatch(batch)
          },
          onError: (at, error) => {
            if (!this.isDead) listener.onError(at, error)
          },
        }),
      unassign: partition => fetcher.unassign(partition),
      pause: partition => fetcher.pause(partition),
      resume: partition => fetcher.resume(partition),
      close: () => fetcher.close(),
    }
  }

  #producer(producer: BatchProducer): BatchProducer {
    return {
      send: batch => this.#call(() => this.#watched(producer.send(batch))),
      close: () => this.#call(() => producer.close()),
    }
  }

  #plainProducer(producer: PlainProducer): PlainProducer {
    return {
      ...this.#producer(producer),
      abandon: reason => {
        if (!this.isDead) producer.abandon(reason)
      },
    }
  }

  #transactional(producer: TransactionalProducer): TransactionalProducer {
    return {
      ...this.#producer(producer),
      commitOffsets: (offsets, member) => this.#call(() => producer.commitOffsets(offsets, member)),
      commitTransaction: () => this.#call(() => producer.commitTransaction()),
      abortTransaction: () => this.#call(() => producer.abortTransaction()),
    }
  }

  #watched<T>(sending: Promise<T>): Promise<T> {
    sending.catch((error: unknown) => this.#events.onSendRejected(error))
    return sending
  }

  #member(member: GroupMember): GroupMember {
    return {
      join: listener => this.#call(() => member.join(this.#listener(listener))),
      committed: partitions => this.#call(() => member.committed(partitions)),
      committedOffsets: partitions => this.#call(() => member.committedOffsets(partitions)),
      commit: offsets => this.#call(() => this.#committing(member.commit(offsets))),
      commitThrough: (offsets, send) =>
        this.#call(() => this.#committing(member.commitThrough(offsets, send))),
      leave: () => this.#call(() => member.leave()),
    }
  }

  #committing(commit: Promise<void>): Promise<void> {
    commit.then(
      () => this.#events.onCommit(true),
      () => this.#events.onCommit(false),
    )
    return commit
  }

  #listener(listener: GroupListener): GroupListener {
    return {
      onAssigned: partitions =>
        this.#call(() => {
          this.#events.onAssigned(partitions)
          return listener.onAssigned(partitions)
        }),
      onRevoked: partitions =>
        this.#call(() => this.#releasing(partitions, listener.onRevoked(partitions), false)),
      onLost: partitions => this.#call(() => this.#releasing(partitions, listener.onLost(partitions), true)),
      onError: error => {
        if (!this.isDead) listener.onError(error)
      },
    }
  }

  async #releasing(
    partitions: readonly TopicPartition[],
    letGo: Promise<void>,
    isLate: boolean,
  ): Promise<void> {
    await letGo
    if (!this.isDead) this.#events.onReleased(partitions, isLate)
  }
}
