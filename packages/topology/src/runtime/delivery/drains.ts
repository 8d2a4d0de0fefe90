import type { OwnerState } from './lane.ts'
import type { SendableLanes } from './sendable-lanes.ts'

interface Drain {
  /** Undefined: all. */
  readonly owner: OwnerState | undefined
  readonly finish: (error?: unknown) => void
}

/** Who waits until nothing of an owner, or of anyone, is left. */
export class Drains {
  readonly #drains = new Set<Drain>()

  /** Rejects with the signal's reason. */
  async wait(
    owner: OwnerState | undefined,
    signal: AbortSignal | undefined,
    onStart: () => void,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => drain.finish(signal?.reason)
    const drain: Drain = {
      owner,
      finish: error => {
        this.#drains.delete(drain)
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error as Error)
      },
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#drains.add(drain)
    onStart()
    await promise
  }

  /** Whether what is sendable may not linger, because somebody waits for it. */
  hurries(sendable: SendableLanes): boolean {
    for (const { owner } of this.#drains) if (owner === undefined || sendable.hasItemOf(owner)) return true
    return false
  }

  forget(owner: OwnerState): void {
    for (const drain of this.#drains) if (drain.owner === owner) drain.finish()
  }

  /** Ends those that have nothing left; `pending`: of all owners. */
  settle(pending: number): void {
    for (const drain of this.#drains) if ((drain.owner?.pending ?? pending) === 0) drain.finish()
  }

  end(reason: unknown): void {
    for (const drain of this.#drains) drain.finish(reason)
  }
}
