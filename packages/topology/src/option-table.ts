import { inspect } from 'node:util'
import { TopologyError } from './errors.ts'

/** The largest duration that Kafka's protocol carries (an int32 of milliseconds). */
export const INT32_MAX = 2_147_483_647

/** One option: how a given value is checked, and what holds without one. */
export interface OptionRule<T> {
  /** For the reference: `integer 0 to 60,000`. */
  readonly allowed: string
  readonly fallback: T
  readonly accepts: (value: unknown) => boolean
}

/** A rule for each option of `O`. */
export type OptionTable<O extends object> = { readonly [Name in keyof O]-?: OptionRule<O[Name]> }

/** The options as a caller gives them: all optional, nothing unknown. */
export type OptionInput<O extends object> = { readonly [Name in keyof O]?: O[Name] | undefined }

export function integer(rule: {
  readonly fallback: number
  readonly min: number
  readonly max: number
}): OptionRule<number> {
  const { fallback, min, max } = rule
  return {
    allowed: `integer ${min} to ${max}`,
    fallback,
    accepts: value => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  }
}

export function oneOf<const T extends readonly string[]>(
  values: T,
  fallback: T[number],
): OptionRule<T[number]> {
  return {
    allowed: values.map(value => `'${value}'`).join(' | '),
    fallback,
    accepts: value => values.includes(value as string),
  }
}

export function text(rule: { readonly fallback: string; readonly pattern?: RegExp }): OptionRule<string> {
  const pattern = rule.pattern ?? /^.+$/s
  return {
    allowed: `text matching ${pattern.source}`,
    fallback: rule.fallback,
    accepts: value => typeof value === 'string' && pattern.test(value),
  }
}

export const optionalText: OptionRule<string | undefined> = {
  allowed: 'text',
  fallback: undefined,
  accepts: value => typeof value === 'string' && value.length > 0,
}

/**
 * Checks what a caller gave against the table and fills in the rest. Unknown names and values out of range are refused
 * with TOPOLOGY_CONFIG_INVALID, all of them in one message.
 */
export function checkOptions<O extends object>(
  where: string,
  table: OptionTable<O>,
  given: OptionInput<O> = {},
): Readonly<O> {
  const faults: string[] = []
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(table, name))
      faults.push(`${name} is not an option; allowed: ${Object.keys(table).join(', ')}`)
  }
  const options: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries<OptionRule<unknown>>(table)) {
    const value = (given as Readonly<Record<string, unknown>>)[name]
    if (value !== undefined && !rule.accepts(value)) {
      faults.push(`${name} is ${describe(value)}; allowed: ${rule.allowed}`)
    }
    options[name] = value ?? rule.fallback
  }
  if (faults.length > 0) throw new TopologyError('TOPOLOGY_CONFIG_INVALID', `${where}: ${faults.join('; ')}`)
  return Object.freeze(options) as Readonly<O>
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  return typeof value === 'object' && value !== null ? 'an object' : inspect(value)
}
