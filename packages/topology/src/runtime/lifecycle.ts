import { TopologyError } from '../errors.ts'

/**
 * ```
 *  created ─► starting ─► running ─► closing ─► closed
 *     │           │          │          │
 *     └─► closed  └──────────┴──────────┴─► failed
 * ```
 */
const TRANSITIONS = {
  created: ['starting', 'closed'],
  starting: ['running', 'closing', 'failed'],
  running: ['closing', 'failed'],
  closing: ['closed', 'failed'],
  closed: [],
  failed: [],
} as const

export type AppState = keyof typeof TRANSITIONS

export const APP_STATES: readonly AppState[] = Object.keys(TRANSITIONS) as AppState[]

export class Lifecycle {
  #state: AppState = 'created'
  readonly #onChange: (state: AppState, previous: AppState) => void

  constructor(onChange: (state: AppState, previous: AppState) => void) {
    this.#onChange = onChange
  }

  get state(): AppState {
    return this.#state
  }

  can(next: AppState): boolean {
    return (TRANSITIONS[this.#state] as readonly AppState[]).includes(next)
  }

  to(next: AppState): void {
    if (!this.can(next)) {
      throw new TopologyError(
        'TOPOLOGY_STATE_INVALID',
        `The application is ${this.#state} and cannot become ${next}; from here it can become ${TRANSITIONS[this.#state].join(' or ') || 'nothing else'}`,
      )
    }
    const previous = this.#state
    this.#state = next
    this.#onChange(next, previous)
  }
}
