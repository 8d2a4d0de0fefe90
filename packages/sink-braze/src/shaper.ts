import type { Clock, DeliveryItem } from '@tributary/topology'
import type { BrazeMemory } from './memory.ts'
import { notesOf } from './notes.ts'
import { brazeLaneKey, NOBODY, type BrazeObject } from './objects.ts'
import { RequestPart, type Placing } from './request-part.ts'
import { Rounds, type Placed, type UserLane } from './rounds.ts'
import type { Fields } from './rules/rule.ts'
import type { ResolvedShaping } from './shaping-options.ts'
import type { ShapingCounters } from './shaping-stats.ts'
import { sentEventOf, wasSent } from './sent-events.ts'
import { suppressUnchanged } from './suppression.ts'
import { Validator, type Checked } from './validate.ts'

export type BrazeItem = DeliveryItem<BrazeObject, BrazeMemory>

/** A lane's objects in a batch as `joins` has seen them grow, one at a time. */
interface Asked {
  readonly user: string
  readonly first: BrazeObject
  length: number
  part: RequestPart
  /** The attributes of the part, as long as none of them would be sent. */
  unchanged: Fields[]
  /** The part's attributes take a place in the request. */
  hasPlace: boolean
}

/** What a shaper notes of an object. */
interface Shaping {
  readonly checked: Checked
  /** With a lane's last object. Questions about lanes alternate, and a long lane must not be looked at anew for each. */
  asked: Asked | undefined
}

/** Decides what of a batch is sent, in which requests: rules, order within a user, folding, what is unchanged, tombstones. */
export class Shaper {
  readonly #options: ResolvedShaping
  readonly #counters: ShapingCounters
  readonly #clock: Clock
  readonly #validator: Validator

  constructor(options: ResolvedShaping, counters: ShapingCounters, clock: Clock) {
    this.#options = options
    this.#counters = counters
    this.#clock = clock
    this.#validator = new Validator(options.rules, (rule, policy) => counters.breach(rule, policy))
  }

  /** `Destination.joins`. */
  joins(value: BrazeObject, before: readonly BrazeObject[], memory?: BrazeMemory): Placing {
    if (!isNotable(value)) return 'counts'
    const shaping = this.#shapingOf(value)
    const { braze } = shaping.checked
    // It will be rejected, whatever goes with it.
    if (braze === undefined) return 'counts'
    if (this.#isIgnored(braze)) return 'merges'
    const user = brazeLaneKey(braze)
    if (user === NOBODY) return 'counts'
    const last = before.at(-1)
    const lastShaping = isNotable(last) ? this.#shapingOf(last) : undefined
    const asked = askedOn(user, before, lastShaping) ?? this.#lookAt(user, before, { value, memory })
    const placing = this.#place(braze, asked, memory)
    if (placing === 'waits') {
      if (lastShaping !== undefined) lastShaping.asked = asked
      return placing
    }
    asked.length += 1
    if (lastShaping !== undefined) lastShaping.asked = undefined
    shaping.asked = asked
    return placing
  }

  /** What Braze has already takes no place, and neither does what is folded into something that has one. */
  #place(braze: BrazeObject, asked: Asked, memory: BrazeMemory | undefined): Placing {
    if (this.#wasSent(braze, asked, memory)) return 'merges'
    const placing = asked.part.place(braze)
    if (placing === 'waits' || braze.kind !== 'attributes') return placing
    if (asked.hasPlace) return 'merges'
    asked.unchanged.push(braze.object)
    if (memory !== undefined && this.#isUnchanged(asked, memory)) return 'merges'
    asked.hasPlace = true
    asked.unchanged = []
    return 'counts'
  }

  #wasSent(braze: BrazeObject, { user }: Asked, memory: BrazeMemory | undefined): boolean {
    if (this.#options.rememberedEvents === 0 || memory?.events === undefined) return false
    const event = sentEventOf(braze, user)
    return event !== undefined && wasSent(event, memory)
  }

  #isUnchanged({ user, part, unchanged: objects }: Asked, memory: BrazeMemory): boolean {
    const { suppressUnchanged: isOn, fullRefreshAfterMs } = this.#options
    if (!isOn) return false
    const folded = objects.length === 1 ? (objects[0] as Fields) : (part.attributes as Fields)
    const options = { nowMs: this.#clock.now(), fullRefreshAfterMs }
    return suppressUnchanged({ user, objects, folded }, memory, options).object === undefined
  }

  check(value: BrazeObject): Checked {
    return isNotable(value) ? this.#shapingOf(value).checked : this.#validator.check(value)
  }

  #shapingOf(value: BrazeObject): Shaping {
    const notes = notesOf(value)
    if (notes.shapedBy !== this) {
      notes.shaping = { checked: trimmed(this.#validator.check(value)), asked: undefined } satisfies Shaping
      notes.shapedBy = this
    }
    return notes.shaping as Shaping
  }

  /** @param placed what `check` lets through, in the batch's order */
  rounds(items: readonly BrazeItem[], placed: readonly Placed[]): Rounds {
    const lanes = new Map<string, UserLane>()
    const nobody: Placed[] = []
    for (const each of placed) {
      const user = brazeLaneKey(each.braze)
      if (user === NOBODY) {
        nobody.push(each)
        continue
      }
      const lane = lanes.get(user)
      if (lane === undefined) {
        const item = items[each.index] as BrazeItem
        // The property is there where the step has a memory, if only an empty one of the user.
        const isRemembered = Object.hasOwn(item, 'memory')
        lanes.set(user, {
          user,
          placed: [each],
          next: 0,
          hasMemory: isRemembered && this.#options.suppressUnchanged,
          remembersEvents: isRemembered && this.#options.rememberedEvents > 0,
          memory: item.memory,
        })
      } else {
        lane.placed.push(each)
      }
    }
    return new Rounds([...lanes.values()], nobody, {
      options: this.#options,
      counters: this.#counters,
      nowMs: this.#clock.now(),
    })
  }

  #isIgnored(braze: BrazeObject): boolean {
    return braze.kind === 'tombstone' && this.#options.tombstones === 'ignore'
  }

  /** A lane of the step may hold several users, and what would have waited is not in doubt any more. */
  #lookAt(
    user: string,
    before: readonly BrazeObject[],
    { value: added, memory }: { readonly value: BrazeObject; readonly memory: BrazeMemory | undefined },
  ): Asked {
    const [first = added] = before
    const asked: Asked = { user, first, length: before.length, ...emptyPart(user) }
    for (const value of before) {
      const { braze } = this.check(value)
      if (braze === undefined || this.#isIgnored(braze) || brazeLaneKey(braze) !== user) continue
      if (this.#place(braze, asked, memory) !== 'waits') continue
      Object.assign(asked, emptyPart(user))
      this.#place(braze, asked, memory)
    }
    return asked
  }
}

/** Types end where a stream's values begin. */
function isNotable(value: BrazeObject | undefined): value is BrazeObject {
  return typeof value === 'object' && value !== null
}

function askedOn(user: string, before: readonly BrazeObject[], last: Shaping | undefined): Asked | undefined {
  const asked = last?.asked
  const isSame = asked?.user === user && asked.length === before.length && asked.first === before[0]
  return isSame ? asked : undefined
}

function emptyPart(user: string): Pick<Asked, 'part' | 'unchanged' | 'hasPlace'> {
  return { part: new RequestPart(user), unchanged: [], hasPlace: false }
}

/** Braze strips the spaces around an attribute's name, so that two names may be one. */
function trimmed(checked: Checked): Checked {
  const { braze } = checked
  if (braze?.kind !== 'attributes') return checked
  const names = Object.keys(braze.object)
  if (names.every(name => name === name.trim())) return checked
  const object: Fields = Object.fromEntries(names.map(name => [name.trim(), (braze.object as Fields)[name]]))
  return { braze: { kind: 'attributes', object } }
}
