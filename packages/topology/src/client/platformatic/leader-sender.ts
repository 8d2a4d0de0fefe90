import type { TopologyError } from '../../errors.ts'
import { formatTopicPartition } from '../../record.ts'
import type { BrokerLink } from './broker-link.ts'
import type { Cluster } from './cluster.ts'
import { ErrorCode } from './error-codes.ts'
import { brokerError, translateError } from './errors.ts'
import type { SequencedBatch } from './partition-sequence.ts'
import { produceRequest, type ProducedPartition } from './produce-request.ts'
import type { SendingPartition } from './sending-partition.ts'

export interface LeaderSenderOptions {
  readonly cluster: Cluster
  readonly nodeId: number
  readonly transactionalId: string | null
  /** At least one batch of the partition is to be sent again, nothing of it is under way any more. */
  readonly onFailed: (partition: SendingPartition, error: TopologyError) => void
  /** Another producer has taken this one's place. */
  readonly onFenced: (error: TopologyError) => void
}

interface Sent {
  readonly partition: SendingPartition
  readonly batch: SequencedBatch
}

/** As the client's connections allow, and as the Java producer does with idempotence; the client's own has one. */
const MAX_REQUESTS = 5
const MAX_REQUEST_BYTES = 8 * 1_048_576

/** Sends to one broker: one batch of each of its partitions per request, several requests under way. */
export class LeaderSender {
  readonly #options: LeaderSenderOptions
  readonly #link: BrokerLink
  readonly #ready = new Set<SendingPartition>()
  #underWay = 0
  #isScheduled = false
  #isClosed = false

  constructor(options: LeaderSenderOptions) {
    this.#options = options
    this.#link = options.cluster.openLink(options.nodeId)
  }

  /** The partition may have something to send. What others offer in the same turn goes into the same request. */
  offer(partition: SendingPartition): void {
    if (partition.leader !== this || !partition.sequence.isReady) return
    this.#ready.add(partition)
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#send()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#link.close()
  }

  #send(): void {
    while (!this.#isClosed && this.#underWay < MAX_REQUESTS && this.#ready.size > 0) {
      const sent = this.#takeBatches()
      if (sent.length > 0) this.#request(sent)
    }
  }

  #takeBatches(): Sent[] {
    const sent: Sent[] = []
    let bytes = 0
    for (const partition of this.#ready) {
      if (bytes >= MAX_REQUEST_BYTES) break
      const batch = partition.sequence.take()
      // To the end of the queue, or out of it.
      this.#ready.delete(partition)
      if (batch === undefined) continue
      sent.push({ partition, batch })
      bytes += batch.batch.records.length
    }
    for (const { partition } of sent) if (partition.sequence.isReady) this.#ready.add(partition)
    return sent
  }

  #request(sent: readonly Sent[]): void {
    this.#underWay += 1
    const request = produceRequest(
      sent.map(({ batch }) => batch.batch),
      this.#options.cluster.settings.requestTimeoutMs,
      this.#options.transactionalId,
    )
    this.#link.send(request).then(
      answer => {
        this.#underWay -= 1
        if (!this.#isClosed) this.#answered(sent, answer)
      },
      (cause: unknown) => {
        this.#underWay -= 1
        if (this.#isClosed) return
        const error = translateError(cause, `Producing to broker ${this.#options.nodeId}`)
        for (const { partition, batch } of sent) if (!partition.isGone) this.#failed(partition, batch, error)
        this.#send()
      },
    )
  }

  #answered(sent: readonly Sent[], answer: readonly ProducedPartition[]): void {
    const results = new Map(
      answer.map(result => [formatTopicPartition(result.topic, result.partition), result]),
    )
    for (const { partition, batch } of sent) {
      if (partition.isGone) continue
      const name = formatTopicPartition(partition.topic, partition.partition)
      const result = results.get(name)
      if (result === undefined)
        this.#failed(partition, batch, brokerError(-1, `Producing to ${name}`, 'the answer leaves it out'))
      else this.#conclude(partition, batch, result)
      this.offer(partition)
    }
    this.#send()
  }

  #conclude(partition: SendingPartition, batch: SequencedBatch, result: ProducedPartition): void {
    const { errorCode } = result
    if (errorCode === ErrorCode.none || errorCode === ErrorCode.duplicateSequenceNumber) {
      partition.failures = 0
      partition.sequence.acknowledged(batch, errorCode === ErrorCode.none ? result.baseOffset : -1)
      this.#reportDrained(partition)
      return
    }
    const { recordCount, records } = batch.batch
    const error = brokerError(
      errorCode,
      `Producing ${recordCount} records (${records.length} bytes) to ${formatTopicPartition(partition.topic, partition.partition)}`,
      result.errorMessage,
    )
    switch (errorCode) {
      case ErrorCode.outOfOrderSequenceNumber:
      case ErrorCode.unknownProducerId:
      case ErrorCode.invalidProducerIdMapping:
        partition.sequence.outOfOrder(batch)
        partition.lastError = error
        this.#reportDrained(partition)
        return
      case ErrorCode.invalidProducerEpoch:
      case ErrorCode.producerFenced:
        this.#options.onFenced(error)
        return
      default:
        if (error.retry.kind !== 'never') this.#failed(partition, batch, error)
        else {
          partition.sequence.refused(batch, error)
          this.#reportDrained(partition)
        }
    }
  }

  #failed(partition: SendingPartition, batch: SequencedBatch, error: TopologyError): void {
    partition.sequence.failed(batch)
    partition.lastError = error
    this.#reportDrained(partition)
  }

  /** When the last answer under way has come in: has one of them been a failure? */
  #reportDrained(partition: SendingPartition): void {
    const { lastError } = partition
    if (lastError === undefined || partition.sequence.inFlight > 0) return
    partition.lastError = undefined
    this.#ready.delete(partition)
    this.#options.onFailed(partition, lastError)
  }
}
