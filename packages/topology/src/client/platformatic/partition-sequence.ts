import { Fifo } from '../../fifo.ts'
import { setCrc, setProducerFields, setTransactional } from '../../wire/batch-header.ts'
import type { ProduceBatch } from '../ports.ts'
import { checksum } from './checksum.ts'

/** By what a broker tells a repeated batch from a new one. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
  /** Set for a transactional producer, whose batches belong to its transactions. */
  readonly transactionalId?: string
}

export interface PendingBatch {
  readonly batch: ProduceBatch
  readonly resolve: (result: { readonly baseOffset: number }) => void
  readonly reject: (error: Error) => void
}

interface SequencedBatch extends PendingBatch {
  /** Counts the batches of the partition, without end. */
  readonly order: number
  /** Of its first record; -1 until it is first sent. */
  sequence: number
  /** What its bytes carry now. */
  stamp: { readonly identity: ProducerIdentity; readonly sequence: number } | undefined
}

/**
 * A broker remembers the last five batches of a producer and partition. An unacknowledged one has to be among them, or it
 * could not be told from a new one when it comes again: so it is counted from the oldest, acknowledged ones included.
 */
const REMEMBERED_BATCHES = 5
/** Sequences count records and wrap behind 2^31 - 1. */
const SEQUENCES = 2 ** 31

function moved(sequence: number, by: number): number {
  return (((sequence + by) % SEQUENCES) + SEQUENCES) % SEQUENCES
}

/**
 * The batches of one partition and their sequence numbers. A broker appends a batch only when its first sequence follows
 * the last one it has, so:
 *
 * - After a failure nothing new is sent before every answer under way has come in. Then what failed is sent again, in
 *   the old order and with the old sequences, and the broker drops what it has already.
 * - A broker that knows nothing of a producer takes any sequence for its first. So whenever it may have forgotten (at the
 *   start, after a pause, after a failure) one batch goes alone until it is acknowledged: otherwise the second could be
 *   appended while the first meets a leader that is not ready.
 * - A batch that the broker refuses for good leaves a gap: the batches behind it move up by its record count. Those of
 *   them that are under way come back as out of order, which is expected, and are sent again.
 * - When the oldest unacknowledged batch itself is out of order, the broker has lost what it knew of this producer. The
 *   partition then goes on under a new identity, with sequences from 0.
 *
 * Pure state: what is sent when, and to whom, is the caller's.
 */
export class PartitionSequence {
  readonly #queue = new Fifo<SequencedBatch>()
  #inFlight: SequencedBatch[] = []
  #failed: SequencedBatch[] = []
  #resend: SequencedBatch[] = []
  #identity: ProducerIdentity
  #nextSequence: number
  #nextOrder = 0
  #needsIdentity = false
  /** The broker is known to remember this producer, and nothing has failed since. If not, one batch goes alone. */
  #isKnown = false

  constructor(identity: ProducerIdentity, firstSequence = 0) {
    this.#identity = identity
    this.#nextSequence = firstSequence
  }

  get identity(): ProducerIdentity {
    return this.#identity
  }

  /** Nothing is sent before `useIdentity`. */
  get needsIdentity(): boolean {
    return this.#needsIdentity
  }

  /** Whether `take` gives a batch. */
  get isReady(): boolean {
    if (this.#needsIdentity) return false
    const next = this.#resend[0] ?? this.#queue.peek()
    if (next === undefined) return false
    const oldest = this.#inFlight[0]
    return oldest === undefined || (this.#isKnown && next.order - oldest.order < REMEMBERED_BATCHES)
  }

  get isIdle(): boolean {
    return this.#inFlight.length + this.#failed.length + this.#resend.length + this.#queue.length === 0
  }

  get inFlight(): number {
    return this.#inFlight.length
  }

  push(pending: PendingBatch): void {
    if (this.isIdle) this.#isKnown = false
    this.#queue.push({ ...pending, order: this.#nextOrder, sequence: -1, stamp: undefined })
    this.#nextOrder += 1
  }

  /** The next batch to send, stamped. Each has to end in one of the four outcomes below. */
  take(): SequencedBatch | undefined {
    if (!this.isReady) return undefined
    // At most five entries.
    const next = this.#resend.shift() ?? this.#queue.take()
    if (next === undefined) return undefined
    if (next.sequence === -1) {
      next.sequence = this.#nextSequence
      this.#nextSequence = moved(this.#nextSequence, next.batch.recordCount)
    }
    this.#stamp(next)
    this.#inFlight.push(next)
    return next
  }

  acknowledged(batch: SequencedBatch, baseOffset: number): void {
    if (this.#failed.length === 0) this.#isKnown = true
    this.#answered(batch)
    batch.resolve({ baseOffset })
  }

  /** Not appended, and never will be. */
  refused(batch: SequencedBatch, error: Error): void {
    const { order } = batch
    const { recordCount } = batch.batch
    for (const later of [...this.#inFlight, ...this.#failed, ...this.#resend])
      if (later.order > order) later.sequence = moved(later.sequence, -recordCount)
    this.#nextSequence = moved(this.#nextSequence, -recordCount)
    this.#answered(batch)
    batch.reject(error)
  }

  /** Perhaps appended, perhaps not: it is sent again. */
  failed(batch: SequencedBatch): void {
    this.#isKnown = false
    this.#failed.push(batch)
    this.#answered(batch)
  }

  /** The broker misses what comes before it. */
  outOfOrder(batch: SequencedBatch): void {
    const isOldest = [...this.#inFlight, ...this.#failed, ...this.#resend].every(
      other => other.order >= batch.order,
    )
    const isAsSent = batch.stamp?.sequence === batch.sequence && batch.stamp.identity === this.#identity
    if (isOldest && isAsSent) this.#needsIdentity = true
    this.failed(batch)
  }

  /** Goes on under another identity. Only while nothing is in flight. */
  useIdentity(identity: ProducerIdentity): void {
    this.#identity = identity
    this.#needsIdentity = false
    this.#isKnown = false
    this.#nextSequence = 0
    for (const batch of this.#resend) {
      batch.sequence = this.#nextSequence
      this.#nextSequence = moved(this.#nextSequence, batch.batch.recordCount)
    }
  }

  /** Rejects everything that is not acknowledged. */
  abandon(error: Error): void {
    const unacknowledged = [...this.#inFlight, ...this.#failed, ...this.#resend, ...this.#queue]
    this.#inFlight = []
    this.#failed = []
    this.#resend = []
    this.#queue.clear()
    for (const batch of unacknowledged) batch.reject(error)
  }

  #answered(batch: SequencedBatch): void {
    const index = this.#inFlight.indexOf(batch)
    if (index !== -1) this.#inFlight.splice(index, 1)
    if (this.#inFlight.length > 0 || this.#failed.length === 0) return
    this.#resend = [...this.#failed, ...this.#resend].toSorted((a, b) => a.order - b.order)
    this.#failed = []
  }

  #stamp(next: SequencedBatch): void {
    const { stamp, sequence } = next
    if (stamp !== undefined && stamp.sequence === sequence && stamp.identity === this.#identity) return
    const { records } = next.batch
    setProducerFields(records, this.#identity.producerId, this.#identity.epoch, sequence)
    if (this.#identity.transactionalId !== undefined) setTransactional(records)
    setCrc(records, 0, records.length, checksum)
    next.stamp = { identity: this.#identity, sequence }
  }
}

export type { SequencedBatch }
