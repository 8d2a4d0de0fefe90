import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/**
 * How many HTTP requests of this process are under way, by the channels on which undici tells: the clock of a world stands
 * still while one is on its way, so that time passes only where somebody waits for it.
 */
export class Exchanges {
  readonly #open = new Set<unknown>()
  readonly #onBegin = (message: unknown): void => void this.#open.add((message as Told).request)
  readonly #onEnd = (message: unknown): void => void this.#open.delete((message as Told).request)

  constructor() {
    subscribe('undici:request:create', this.#onBegin)
    for (const name of ENDS) subscribe(name, this.#onEnd)
  }

  get underWay(): number {
    return this.#open.size
  }

  close(): void {
    unsubscribe('undici:request:create', this.#onBegin)
    for (const name of ENDS) unsubscribe(name, this.#onEnd)
  }
}

interface Told {
  readonly request: unknown
}

const ENDS = ['undici:request:trailers', 'undici:request:error'] as const
