import { DemoError } from '../demo-error.ts'
import type { Received, ReceivedEvent } from '../verify/compare.ts'
import type { JsonObject } from '../verify/expected.ts'

/** What the demo looks at of the simulator's state. */
export interface SimulatorState {
  readonly requests: { readonly total: number }
  readonly meanFill: number
  readonly users: number
  readonly events: { readonly kept: number }
  readonly overlaps: { readonly count: number }
}

const USERS_AT_ONCE = 16

export async function readState(url: string, signal?: AbortSignal): Promise<SimulatorState> {
  const answer = await get(`${url}/_simulator/state`, signal)
  return (await answer.json()) as SimulatorState
}

/** Everything that Braze has taken in, and the profiles of these users. */
export async function readReceived(url: string, users: Iterable<string>): Promise<Received> {
  const lines = (await (await get(`${url}/_simulator/events`)).text()).split('\n')
  const events = lines.filter(line => line !== '').map(line => JSON.parse(line) as ReceivedEvent)
  return { events, attributes: await readAttributes(url, users), users: (await readState(url)).users }
}

async function readAttributes(
  url: string,
  users: Iterable<string>,
): Promise<Map<string, JsonObject | undefined>> {
  const attributes = new Map<string, JsonObject | undefined>()
  // One iterator for all: each takes the next user that nobody has taken.
  const waiting = users[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      const path = `${url}/_simulator/users/${encodeURIComponent(next.value)}`
      const answer = await get(path, undefined, [404])
      const body = (await answer.json()) as { readonly attributes?: JsonObject }
      attributes.set(next.value, answer.ok ? body.attributes : undefined)
    }
  }
  await Promise.all(Array.from({ length: USERS_AT_ONCE }, work))
  return attributes
}

async function get(url: string, signal?: AbortSignal, allowed: readonly number[] = []): Promise<Response> {
  const answer = await fetch(url, { signal: signal ?? null })
  if (answer.ok || allowed.includes(answer.status)) return answer
  throw new DemoError(
    'DEMO_UNEXPECTED_ANSWER',
    `GET ${url} was answered ${answer.status}: ${await answer.text()}`,
  )
}
