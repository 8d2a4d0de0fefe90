import type { BatchProducer, ProduceBatch, TransactionalProducer } from '../client/ports.ts'

interface WaitingBatch {
  readonly batch: ProduceBatch
  readonly resolve: (result: { readonly baseOffset: number }) => void
  readonly reject: (error: Error) => void
}

/**
 * Between the collector and its transactions: while one of them is being committed, batches wait here for the next one, so
 * that the tasks need not stop. The bytes count as unacknowledged, which bounds them.
 */
export class TransactionBatches implements BatchProducer {
  readonly #producer: TransactionalProducer
  readonly #onFailure: (error: Error) => void
  #underWay = new Set<Promise<unknown>>()
  #waiting: WaitingBatch[] | undefined
  #failure: Error | undefined

  /** `onFailure`: a batch of the transaction that is open now could not be produced. */
  constructor(producer: TransactionalProducer, onFailure: (error: Error) => void) {
    this.#producer = producer
    this.#onFailure = onFailure
  }

  send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    const waiting = this.#waiting
    if (waiting === undefined) return this.#send(batch)
    return new Promise((resolve, reject) => waiting.push({ batch, resolve, reject }))
  }

  /** What is sent from now on belongs to the next transaction. */
  hold(): void {
    this.#waiting ??= []
  }

  /** Resolves once everything that was sent before `hold` is acknowledged; rejects with what was not. */
  async flush(): Promise<void> {
    await Promise.all(this.#underWay)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** The next transaction begins. */
  release(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const { batch, resolve, reject } of waiting) this.#send(batch).then(resolve, reject)
  }

  /** Rejects what waits, goes on holding, and hears no more of what is under way: the transaction is given up. */
  discard(reason: Error): void {
    for (const { reject } of this.#waiting ?? []) reject(reason)
    this.#waiting = []
    this.#underWay = new Set()
    this.#failure = undefined
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  #send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    const underWay = this.#underWay
    const sending = this.#producer.send(batch)
    underWay.add(sending)
    sending.then(
      () => underWay.delete(sending),
      (error: unknown) => {
        underWay.delete(sending)
        if (underWay !== this.#underWay) return
        this.#failure ??= error as Error
        this.#onFailure(error as Error)
      },
    )
    return sending
  }
}
