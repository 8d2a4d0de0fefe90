import type { BrazeObject } from '@tributary/sink-braze'

export type Fields = Readonly<Record<string, unknown>>

/** One record of a world's topic. */
export interface Input {
  readonly partition: number
  readonly offset: number
  readonly user: string
  /** Undefined: a tombstone. */
  readonly objects: readonly BrazeObject[] | undefined
}

/** What Braze has of one user. */
export interface UserPicture {
  readonly attributes: Fields
  /** `name`, `time`, `properties`, in the order in which they were applied. */
  readonly events: readonly Fields[]
  readonly purchases: readonly Fields[]
}

/** What Braze has, by user. */
export type Picture = Readonly<Record<string, UserPicture>>

export interface LetterPicture {
  /** `partition@offset` of the record. */
  readonly of: string
  /** Of its message, what the expectation asks for. */
  readonly says: string
}

export interface PictureOptions {
  /** Objects that are not to be there. */
  readonly without?: (object: BrazeObject, input: Input) => boolean
  /** What an object is to be there as. */
  readonly changed?: (object: BrazeObject, input: Input) => BrazeObject
  /** Every event that is there is there as often: a request that was taken in and not answered is sent again. */
  readonly times?: number
}

interface Draft {
  attributes: Record<string, unknown>
  events: Fields[]
  purchases: Fields[]
}

/**
 * What Braze has to have of these records: each object of a user applied in the order of the records. It knows nothing of
 * requests, folding or suppression, so that it stands against all of that.
 */
export function pictureOf(inputs: readonly Input[], options: PictureOptions = {}): Picture {
  const { without = () => false, changed = object => object, times = 1 } = options
  const users = new Map<string, Draft>()
  for (const input of inputs) {
    for (const object of input.objects ?? []) {
      if (without(object, input)) continue
      const draft = users.get(input.user) ?? { attributes: {}, events: [], purchases: [] }
      users.set(input.user, draft)
      draw(draft, changed(object, input))
    }
  }
  for (const draft of users.values()) {
    draft.events = Array.from({ length: times }, () => draft.events).flat()
    draft.purchases = Array.from({ length: times }, () => draft.purchases).flat()
  }
  return Object.fromEntries(users)
}

function draw(draft: Draft, { kind, object }: BrazeObject): void {
  const { external_id: _, ...fields } = object as Record<string, unknown>
  if (kind === 'attributes') {
    for (const [name, value] of Object.entries(fields)) drawAttribute(draft.attributes, name, value)
  } else if (kind === 'event') {
    draft.events.push(fields)
  } else if (kind === 'purchase') {
    draft.purchases.push({ quantity: 1, ...fields })
  }
}

function drawAttribute(attributes: Record<string, unknown>, name: string, value: unknown): void {
  const operator = value as { readonly inc?: number; readonly add?: readonly unknown[] } | null
  if (value === null) delete attributes[name]
  else if (typeof operator?.inc === 'number') {
    attributes[name] = ((attributes[name] as number | undefined) ?? 0) + operator.inc
  } else if (Array.isArray(operator?.add)) {
    const added = operator.add
    const before = ((attributes[name] as unknown[] | undefined) ?? []).filter(each => !added.includes(each))
    attributes[name] = [...before, ...added]
  } else attributes[name] = value
}

/** How often events of a user arrived before others that came first; an event that is there twice counts by its first time. */
export function orderViolations(seen: Picture, inputs: readonly Input[]): number {
  let count = 0
  const sequences = Map.groupBy(inputs, ({ user }) => user)
  for (const [user, records] of sequences) {
    const order = new Map<string, number>()
    for (const { objects = [] } of records) {
      for (const { kind, object } of objects) {
        const id = kind === 'event' ? idOf(object) : undefined
        if (id !== undefined) order.set(id, order.size)
      }
    }
    const places = [...new Set((seen[user]?.events ?? []).map(idOf))].map(id => order.get(id ?? '') ?? -1)
    count += places.filter((place, at) => at > 0 && place < (places[at - 1] ?? 0)).length
  }
  return count
}

/** Events and purchases that are neither at Braze nor of a record among the dead letters. */
export function lost(
  seen: Picture,
  inputs: readonly Input[],
  letters: readonly { readonly of: string }[],
): number {
  const dead = new Set(letters.map(({ of }) => of))
  const there = new Set(
    Object.values(seen).flatMap(({ events, purchases }) => [...events, ...purchases].map(idOf)),
  )
  return inputs.filter(({ partition, offset, objects = [] }) => {
    const ids = objects.filter(({ kind }) => kind !== 'attributes').map(({ object }) => idOf(object))
    return !dead.has(`${partition}@${offset}`) && ids.some(id => !there.has(id))
  }).length
}

/** Under `properties`, as the mapping of marketing events has it. */
function idOf(object: object): string | undefined {
  const { properties } = object as { readonly properties?: { readonly event_id?: string } }
  return properties?.event_id
}
