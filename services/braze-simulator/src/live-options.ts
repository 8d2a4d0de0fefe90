import { SimulatorConfigError } from './errors.ts'
import { resolveOptions } from './options.ts'
import type { OptionName, ResolvedOptions } from './options.ts'

/** What is sized when the simulator is made. */
const FIXED: readonly OptionName[] = ['keepEvents', 'keepRequests', 'keepArrivals', 'seed']

/** The options in force. A contract and a key can change while requests come in, and so can these. */
export class LiveOptions {
  #current: ResolvedOptions
  readonly #onChange: ((options: ResolvedOptions) => void)[] = []

  constructor(options: ResolvedOptions) {
    this.#current = options
  }

  get current(): ResolvedOptions {
    return this.#current
  }

  onChange(listener: (options: ResolvedOptions) => void): void {
    this.#onChange.push(listener)
  }

  /**
   * Changes what is given and leaves the rest. `null` takes an optional limit away.
   * @throws SimulatorConfigError for an option that is unknown, out of bounds or cannot be changed any more
   */
  change(given: Readonly<Record<string, unknown>>): ResolvedOptions {
    const fixed = FIXED.find(name => Object.hasOwn(given, name))
    if (fixed !== undefined) {
      throw new SimulatorConfigError(`option ${fixed} cannot be changed while the simulator runs`)
    }
    const changes = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, value === null ? undefined : value]),
    )
    this.#current = resolveOptions({ ...this.#current, ...changes })
    for (const listener of this.#onChange) listener(this.#current)
    return this.#current
  }
}
