import type { Clock, DeliveryItem } from '@tributary/topology'
import type { BrazeMemory } from './memory.ts'
import { brazeLaneKey, NOBODY, type BrazeObject } from './objects.ts'
import { RequestPart, type Placing } from './request-part.ts'
import { Rounds, type Placed, type UserLane } from './rounds.ts'
import type { Fields } from './rules/rule.ts'
import type { ResolvedShaping } from './shaping-options.ts'
import type { ShapingCounters } from './shaping-stats.ts'
import { Validator, type Checked } from './validate.ts'

export type BrazeItem = DeliveryItem<BrazeObject, BrazeMemory>

/** A lane's objects in a batch as `joins` has seen them grow, one at a time. */
interface Asked {
  readonly user: string
  readonly first: BrazeObject
  length: number
  readonly part: RequestPart
}

/** Decides what of a batch is sent, in which requests: rules, order within a user, folding, what is unchanged, tombstones. */
export class Shaper {
  readonly #options: ResolvedShaping
  readonly #counters: ShapingCounters
  readonly #clock: Clock
  readonly #validator: Validator
  // An object is looked at when it joins a batch and again when the batch goes, perhaps more than once.
  readonly #checked = new WeakMap<BrazeObject, Checked>()
  /** By the last object. Questions about lanes alternate, and a long lane must not be looked at anew for each. */
  readonly #asked = new WeakMap<BrazeObject, Asked>()

  constructor(options: ResolvedShaping, counters: ShapingCounters, clock: Clock) {
    this.#options = options
    this.#counters = counters
    this.#clock = clock
    this.#validator = new Validator(options.rules, (rule, policy) => counters.breach(rule, policy))
  }

  /** `Destination.joins`. */
  joins(value: BrazeObject, before: readonly BrazeObject[]): Placing {
    const { braze } = this.check(value)
    // It will be rejected, whatever goes with it.
    if (braze === undefined) return 'counts'
    if (this.#isIgnored(braze)) return 'merges'
    const user = brazeLaneKey(braze)
    if (user === NOBODY) return 'counts'
    const last = before.at(-1) as BrazeObject
    const asked = this.#askedOn(user, before) ?? this.#lookAt(user, before)
    const placing = asked.part.place(braze)
    if (placing === 'waits') {
      this.#asked.set(last, asked)
    } else {
      asked.length += 1
      this.#asked.delete(last)
      this.#asked.set(value, asked)
    }
    return placing
  }

  check(value: BrazeObject): Checked {
    if (typeof value !== 'object' || (value as unknown) === null) return this.#validator.check(value)
    let checked = this.#checked.get(value)
    if (checked === undefined) {
      checked = trimmed(this.#validator.check(value))
      this.#checked.set(value, checked)
    }
    return checked
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
        const hasMemory = this.#options.suppressUnchanged && Object.hasOwn(item, 'memory')
        lanes.set(user, { user, placed: [each], next: 0, hasMemory, memory: item.memory })
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

  #askedOn(user: string, before: readonly BrazeObject[]): Asked | undefined {
    const asked = this.#asked.get(before.at(-1) as BrazeObject)
    const isSame = asked?.user === user && asked.length === before.length && asked.first === before[0]
    return isSame ? asked : undefined
  }

  /** A lane of the step may hold several users, and what would have waited is not in doubt any more. */
  #lookAt(user: string, before: readonly BrazeObject[]): Asked {
    let part = new RequestPart(user)
    for (const value of before) {
      const { braze } = this.check(value)
      if (braze === undefined || this.#isIgnored(braze) || brazeLaneKey(braze) !== user) continue
      if (part.place(braze) !== 'waits') continue
      part = new RequestPart(user)
      part.place(braze)
    }
    const [first] = before as readonly [BrazeObject]
    return { user, first, length: before.length, part }
  }
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
