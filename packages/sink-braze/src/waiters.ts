import type { DeliveryCall } from '@tributary/topology'
import type { Grant } from './grant.ts'

export interface Waiting {
  readonly kind: 'grant' | 'ready'
  readonly call: DeliveryCall
  readonly sinceMs: number
}

export interface Waiter {
  readonly kind: Waiting['kind']
  readonly isUrgent: boolean
  readonly sinceMs: number
  resolve(grant: Grant | undefined): void
  reject(error: unknown): void
}

/** Who waits for a limiter: the urgent before the others, and first come, first served among each. */
export class Waiters {
  readonly #urgent = new Set<Waiter>()
  readonly #others = new Set<Waiter>()

  get size(): number {
    return this.#urgent.size + this.#others.size
  }

  first(): Waiter | undefined {
    for (const waiter of this.#urgent) return waiter
    for (const waiter of this.#others) return waiter
    return undefined
  }

  /** Settles with the waiter, or with the call's signal, whatever comes first. */
  join({ call: { signal, isUrgent }, ...waiting }: Waiting): Promise<Grant | undefined> {
    const queue = isUrgent ? this.#urgent : this.#others
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        queue.delete(waiter)
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => waiter.reject(signal.reason)
      const waiter: Waiter = {
        ...waiting,
        isUrgent,
        resolve: grant => {
          leave()
          resolve(grant)
        },
        reject: error => {
          leave()
          reject(error as Error)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      queue.add(waiter)
    })
  }

  /** Of those who wait for a grant. */
  rejectGrants(isMeant: (waiter: Waiter) => boolean, error: () => Error): void {
    for (const queue of [this.#urgent, this.#others]) {
      for (const waiter of queue) if (waiter.kind === 'grant' && isMeant(waiter)) waiter.reject(error())
    }
  }
}
