import type { BrazeEvent, Expectation, JsonObject } from './expected.ts'

/** As Braze has it: what must be there may be missing. */
export type ReceivedEvent = Omit<BrazeEvent, 'properties'> & { readonly properties?: JsonObject }

/** What Braze has, in the order in which it took it in. */
export interface Received {
  readonly events: readonly ReceivedEvent[]
  /** Of each user that was asked for; undefined where Braze does not know the user. */
  readonly attributes: ReadonlyMap<string, JsonObject | undefined>
  /** How many users Braze knows altogether. */
  readonly users: number
}

export interface Comparison {
  readonly missing: number
  readonly duplicates: number
  readonly outOfOrder: number
  /** Events and profiles that differ, and events that nothing in the inputs accounts for. */
  readonly wrongProperties: number
  /** The first of each kind, one sentence each. */
  readonly differences: readonly string[]
}

type Kind = 'missing' | 'duplicates' | 'outOfOrder' | 'wrongProperties'

const NAMED_PER_KIND = 3

/** Events are told apart by their `event_id`. */
export function compare(expected: Expectation, received: Received): Comparison {
  const differences = new Differences()
  compareEvents(expected, received.events, differences)
  for (const [user, attributes] of expected.attributes) {
    const seen = received.attributes.get(user)
    const difference = firstDifference(seen, attributes, 'attributes')
    if (difference !== undefined) differences.add('wrongProperties', `The profile of ${user}: ${difference}.`)
  }
  const foreign = received.users - expected.attributes.size
  if (foreign > 0) differences.add('wrongProperties', `Braze knows ${foreign} users too many.`)
  return differences.result()
}

function compareEvents(
  expected: Expectation,
  received: readonly ReceivedEvent[],
  differences: Differences,
): void {
  const places = new Map(expected.events.map((event, place) => [eventIdOf(event), { event, place }]))
  const arrived = new Set<string | undefined>()
  /** The latest event of a user that has arrived so far. */
  const latest = new Map<string, { readonly place: number; readonly event: BrazeEvent }>()
  for (const event of received) {
    const id = eventIdOf(event)
    const known = places.get(id)
    if (known === undefined) {
      differences.add('wrongProperties', `${named(event)} was not to be expected at all.`)
      continue
    }
    const difference = firstDifference(comparable(event), comparable(known.event), '')
    if (difference !== undefined) differences.add('wrongProperties', `${named(known.event)}: ${difference}.`)
    if (arrived.has(id)) {
      differences.add('duplicates', `${named(event)} arrived again.`)
      continue
    }
    arrived.add(id)
    const before = latest.get(known.event.external_id)
    if (before !== undefined && before.place > known.place) {
      differences.add(
        'outOfOrder',
        `${named(event)} arrived behind ${named(before.event)}, which comes after it.`,
      )
      continue
    }
    latest.set(known.event.external_id, known)
  }
  for (const event of expected.events) {
    if (!arrived.has(eventIdOf(event))) differences.add('missing', `${named(event)} has not arrived.`)
  }
}

/** Counts all and keeps the first. */
class Differences {
  readonly #counts: Record<Kind, number> = { missing: 0, duplicates: 0, outOfOrder: 0, wrongProperties: 0 }
  readonly #named: string[] = []

  add(kind: Kind, sentence: string): void {
    this.#counts[kind] += 1
    if (this.#counts[kind] <= NAMED_PER_KIND) this.#named.push(sentence)
  }

  result(): Comparison {
    return { ...this.#counts, differences: this.#named }
  }
}

/** What is compared: the simulator adds when and in which request an event came. */
function comparable({ external_id, name, time, properties }: ReceivedEvent): object {
  return { external_id, name, time, properties }
}

/** The identity that the event has had since it happened; undefined for one that was not given it. */
export function eventIdOf({ properties }: ReceivedEvent): string | undefined {
  const id = properties?.['event_id']
  return typeof id === 'string' ? id : undefined
}

function named(event: ReceivedEvent): string {
  return `${event.name} ${eventIdOf(event) ?? 'without event_id'} of ${event.external_id}`
}

/** The first place where two JSON values differ, in words; undefined where they are equal. */
function firstDifference(seen: unknown, expected: unknown, path: string): string | undefined {
  if (Object.is(seen, expected)) return undefined
  if (!isContainer(seen) || !isContainer(expected) || Array.isArray(seen) !== Array.isArray(expected)) {
    return `${path} is ${text(seen)}, expected is ${text(expected)}`
  }
  for (const name of new Set([...Object.keys(expected), ...Object.keys(seen)])) {
    const inside = path === '' ? name : `${path}.${name}`
    const difference = firstDifference(seen[name], expected[name], inside)
    if (difference !== undefined) return difference
  }
  return undefined
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function text(value: unknown): string {
  return value === undefined ? 'not there' : JSON.stringify(value)
}
