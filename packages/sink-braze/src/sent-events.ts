import type { BrazeMemory } from './memory.ts'
import type { BrazeObject } from './objects.ts'
import { isFields } from './rules/rule.ts'
import { hash53, valueHash } from './value-hash.ts'

/** The property by which an event, or a purchase, is known again. */
export const EVENT_ID = 'event_id'

/** What is remembered of an event with an id; undefined for what has none. */
export function sentEventOf(braze: BrazeObject, user: string): number | undefined {
  if (braze.kind !== 'event' && braze.kind !== 'purchase') return undefined
  const { properties } = braze.object
  const id = isFields(properties) ? properties[EVENT_ID] : undefined
  if (typeof id !== 'string' && typeof id !== 'number') return undefined
  return valueHash(EVENT_ID, id, hash53(user, 0) % 4_294_967_296)
}

export function wasSent(event: number, memory: BrazeMemory | undefined): boolean {
  return memory?.events?.includes(event) === true
}

/** The memory with an event that Braze has taken in; of more than `max` the oldest go. */
export function withSentEvent(memory: BrazeMemory | undefined, event: number, max: number): BrazeMemory {
  const { refreshedAt = 0, fields = {}, events = [] } = memory ?? {}
  return { refreshedAt, fields, events: [...events, event].slice(-max) }
}
