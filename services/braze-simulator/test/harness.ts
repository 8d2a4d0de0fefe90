import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { createSimulator } from '@tributary/braze-simulator'
import type { Clock, Simulator, SimulatorOptions, StateAnswer, TrackAnswer } from '@tributary/braze-simulator'

export const API_KEY = 'test-key'
/** A moment that is 12:34:56.789 into its UTC day. */
export const NOON = Date.parse('2026-03-04T12:34:56.789Z')

interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

/** A clock that only moves when it is told to. */
export class ManualClock implements Clock {
  #now = NOON
  #sleepers: Sleeper[] = []

  now(): number {
    return this.#now
  }

  get sleeping(): number {
    return this.#sleepers.length
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>(wake => {
      this.#sleepers.push({ due: this.#now + ms, wake })
      signal.addEventListener('abort', () => wake(), { once: true })
    })
  }

  advance(ms: number): void {
    this.#now += ms
    const due = this.#sleepers.filter(sleeper => sleeper.due <= this.#now)
    this.#sleepers = this.#sleepers.filter(sleeper => sleeper.due > this.#now)
    for (const sleeper of due) sleeper.wake()
  }
}

/** Waits for a condition, and fails when it has not come true after five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, `still waiting for ${condition.toString()}`)
    await nextTurn()
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: TrackAnswer
}

export interface Rig {
  readonly simulator: Simulator
  readonly clock: ManualClock
  /** Posts to `/users/track` without a socket. */
  track(body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  summary(): Promise<StateAnswer>
  /** Posts to any path without a socket. */
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** Orders a fault. @returns the status of the order */
  fault(fault: object): Promise<number>
}

export function rig(t: TestContext, options: Partial<SimulatorOptions> = {}): Rig {
  const clock = new ManualClock()
  const simulator = createSimulator({ apiKey: API_KEY, ...options }, { clock })
  t.after(() => simulator.close())
  const post = async (
    url: string,
    payload: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> => {
    const response = await simulator.app.inject({
      method: 'POST',
      url,
      headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json', ...headers },
      payload,
    })
    return {
      status: response.statusCode,
      headers: response.headers,
      body: response.payload === '' ? { message: '' } : response.json<TrackAnswer>(),
    }
  }
  return {
    simulator,
    clock,
    async track(body, headers = {}) {
      const payload = typeof body === 'string' ? body : JSON.stringify(body)
      return await post('/users/track', payload, headers)
    },
    post: (path, body, headers = {}) => post(path, JSON.stringify(body), headers),
    async summary() {
      return (await simulator.app.inject('/_simulator/state')).json<StateAnswer>()
    },
    async fault(fault) {
      const response = await simulator.app.inject({
        method: 'POST',
        url: '/_simulator/faults',
        payload: fault,
      })
      return response.statusCode
    },
  }
}

/** A valid event of a user. */
export function event(externalId: string, name = 'booked'): Record<string, unknown> {
  return { external_id: externalId, name, time: '2026-03-01T10:00:00Z' }
}
