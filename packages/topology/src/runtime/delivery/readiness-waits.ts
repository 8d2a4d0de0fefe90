import type { Destination } from '../../operators/destination.ts'

interface Wait {
  readonly isUrgent: () => boolean
  /** Of the question that the destination has not answered yet. */
  asked: { readonly isUrgent: boolean; readonly controller: AbortController }
}

/**
 * The open questions for `Destination.whenReady`. One that was asked for something that can wait is asked again, as urgent,
 * when urgent items have come to depend on its answer.
 */
export class ReadinessWaits {
  readonly #destination: Destination<unknown>
  readonly #waits = new Set<Wait>()

  constructor(destination: Destination<unknown>) {
    this.#destination = destination
  }

  /** Rejects with the signal's reason, or with what the destination rejects with. */
  async whenReady(signal: AbortSignal, isUrgent: () => boolean): Promise<void> {
    signal.throwIfAborted()
    const wait: Wait = { isUrgent, asked: question(isUrgent()) }
    const onStop = (): void => wait.asked.controller.abort(signal.reason)
    signal.addEventListener('abort', onStop, { once: true })
    this.#waits.add(wait)
    try {
      while (!(await this.#ask(wait.asked))) {
        signal.throwIfAborted()
        wait.asked = question(true)
      }
    } finally {
      this.#waits.delete(wait)
      signal.removeEventListener('abort', onStop)
    }
  }

  /** What is urgent may have changed. */
  review(): void {
    for (const { isUrgent, asked } of this.#waits) {
      if (!asked.isUrgent && !asked.controller.signal.aborted && isUrgent()) asked.controller.abort()
    }
  }

  /** False when the question was withdrawn. A destination that ignores that is not waited for. */
  async #ask({ isUrgent, controller: { signal } }: Wait['asked']): Promise<boolean> {
    const withdrawn = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => withdrawn.resolve(), { once: true })
    try {
      await Promise.race([this.#destination.whenReady?.({ signal, isUrgent }), withdrawn.promise])
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return !signal.aborted
  }
}

function question(isUrgent: boolean): Wait['asked'] {
  return { isUrgent, controller: new AbortController() }
}
