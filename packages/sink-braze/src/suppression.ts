import { changeOf, CONTROL_FIELDS, CUMULATIVE_FIELDS } from './attribute-values.ts'
import { UNKNOWN_VALUE, type BrazeMemory } from './memory.ts'
import { IDENTIFIERS } from './objects.ts'
import { isGiven, type Fields } from './rules/rule.ts'
import { hash53, valueHash } from './value-hash.ts'

/** Users, their devices and Braze itself change these too: a value that is sent again may well change something. */
const CHANGED_BY_OTHERS = new Set(['email_subscribe', 'push_subscribe', 'current_location'])

export interface Updates {
  /** As `brazeLaneKey` names the user. */
  readonly user: string
  /** In order, at least one. */
  readonly objects: readonly Fields[]
  /** What they come to together. */
  readonly folded: Fields
}

export interface Suppressed {
  /** What is to be sent; undefined when Braze has everything already. */
  readonly object: Fields | undefined
  /** What is known once that was accepted; undefined when it is what was known before. */
  readonly memory: BrazeMemory | undefined
  readonly suppressedFields: number
}

export interface SuppressionOptions {
  readonly nowMs: number
  readonly fullRefreshAfterMs: number
}

/**
 * Leaves out what Braze has already.
 *
 * A field is only unchanged when it is so in every object that was folded: where one of them has another value, it may have
 * arrived already, by a request whose answer was lost or before a crash that has its record read again. Then what is
 * remembered is older than what Braze has, and the last value must be sent although it is the remembered one.
 */
export function suppressUnchanged(
  updates: Updates,
  known: BrazeMemory | undefined,
  { nowMs, fullRefreshAfterMs }: SuppressionOptions,
): Suppressed {
  // Events alone may be known of the user.
  const memory = known?.refreshedAt === 0 ? undefined : known
  const { folded, objects } = updates
  // Braze may have ignored it, and says nothing then; only a profile that this step made is known to exist.
  if (memory === undefined && isUpdateOnly(folded)) {
    return { object: folded, memory: undefined, suppressedFields: 0 }
  }
  const isRefresh = memory === undefined || nowMs - memory.refreshedAt >= fullRefreshAfterMs
  const seed = hash53(updates.user, 0) % 4_294_967_296
  const identifier = identifierOf(folded)
  const kept: [string, unknown][] = []
  const learned = new Map<string, number>()
  let suppressedFields = 0
  for (const name of Object.keys(folded)) {
    const value = folded[name]
    if (value === undefined) continue
    if (CONTROL_FIELDS.has(name) || name === identifier) {
      kept.push([name, value])
      continue
    }
    const hash = rememberedHash(folded, name, seed)
    const isUnchanged = (object: Fields): boolean =>
      object === folded || object[name] === undefined || rememberedHash(object, name, seed) === hash
    if (!isRefresh && hash !== UNKNOWN_VALUE && hashIn(memory, name) === hash && objects.every(isUnchanged)) {
      suppressedFields += 1
      continue
    }
    kept.push([name, value])
    if (!CUMULATIVE_FIELDS.has(name)) learned.set(name, hash)
  }
  const isAnythingLeft = isRefresh || kept.some(([name]) => !CONTROL_FIELDS.has(name) && name !== identifier)
  if (!isAnythingLeft) return { object: undefined, memory: undefined, suppressedFields }
  return {
    object: suppressedFields === 0 ? folded : Object.fromEntries(kept),
    memory: remembered(memory, learned, isRefresh ? nowMs : undefined),
    suppressedFields,
  }
}

/** An attributes object that removes all that is known to be set; undefined when nothing is. It makes no profile. */
export function nullsFor(user: Fields, memory: BrazeMemory | undefined, userKey: string): Fields | undefined {
  const identifier = identifierOf(user)
  if (memory === undefined || identifier === undefined) return undefined
  const seed = hash53(userKey, 0) % 4_294_967_296
  const names = Object.keys(memory.fields).filter(
    name => hashIn(memory, name) !== valueHash(name, null, seed),
  )
  if (names.length === 0) return undefined
  return Object.fromEntries([
    ...names.map((name): [string, null] => [name, null]),
    [identifier, user[identifier]],
    ['_update_existing_only', true],
  ])
}

/** The field by which Braze finds the profile. */
function identifierOf(object: Fields): string | undefined {
  return IDENTIFIERS.find(name => isGiven(object[name]))
}

function isUpdateOnly(object: Fields): boolean {
  const { _update_existing_only: flag } = object
  return flag === true || (flag !== false && isGiven(object['user_alias']))
}

function rememberedHash(object: Fields, name: string, seed: number): number {
  const value = object[name]
  if (CHANGED_BY_OTHERS.has(name) || CUMULATIVE_FIELDS.has(name)) return UNKNOWN_VALUE
  if (changeOf(value).kind !== 'set') return UNKNOWN_VALUE
  // Merged into what is stored, a nested object is no value of its own.
  if (object['_merge_objects'] === true && typeof value === 'object' && value !== null) return UNKNOWN_VALUE
  return valueHash(name, value, seed)
}

function hashIn({ fields }: BrazeMemory, name: string): number | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}

/** @param refreshedAt given: values that were remembered before are not trusted any more, only that there are some */
function remembered(
  memory: BrazeMemory | undefined,
  learned: ReadonlyMap<string, number>,
  refreshedAt: number | undefined,
): BrazeMemory | undefined {
  const before = Object.entries(memory?.fields ?? {})
  if (refreshedAt !== undefined) {
    const names = before.map(([name]): [string, number] => [name, UNKNOWN_VALUE])
    return { refreshedAt, fields: Object.fromEntries([...names, ...learned]) }
  }
  if (memory === undefined) return undefined
  const isNews = [...learned].some(([name, hash]) => hashIn(memory, name) !== hash)
  if (!isNews) return undefined
  return { refreshedAt: memory.refreshedAt, fields: Object.fromEntries([...before, ...learned]) }
}
