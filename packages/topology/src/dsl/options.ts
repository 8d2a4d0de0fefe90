import { TopologyError } from '../errors.ts'
import { checkOptions, type OptionRule } from '../option-table.ts'
import type { Serde } from '../serde/serde.ts'

/** Kafka's own limit for what may stand in a topic's name; steps and applications follow it because they name topics. */
const LEGAL_NAME = /^[A-Za-z0-9._-]{1,200}$/
const NAME_ALLOWED = '1 to 200 of the characters A-Z a-z 0-9 . _ -'

/** The options that have no default: checked to be there before the others are looked at. */
export type RequiredNames<O> = readonly (keyof O & string)[]

/** A table of rules in which a required option has no fallback. */
export type StepOptionTable<O extends object> = {
  readonly [Name in keyof O]-?: OptionRule<O[Name] | undefined>
}

/**
 * Checks a step's options at the call and fills in what was left out. `undefined` counts as left out. Throws
 * TOPOLOGY_CONFIG_INVALID; `where` names the step.
 */
export function stepOptions<O extends object>(
  where: string,
  rules: { readonly table: StepOptionTable<O>; readonly required?: RequiredNames<O> },
  given: unknown = {},
): Readonly<O> {
  if (typeof given !== 'object' || given === null) {
    throw invalid(`${where}: the options must be an object, not ${show(given)}`)
  }
  const values = given as Readonly<Record<string, unknown>>
  const missing = (rules.required ?? []).filter(name => values[name] === undefined)
  if (missing.length > 0) throw invalid(`${where}: needs the option ${missing.join(' and the option ')}`)
  return checkOptions<object>(where, rules.table, values) as Readonly<O>
}

/** A rule without a default. */
export function rule<T>(allowed: string, accepts: (value: unknown) => boolean): OptionRule<T | undefined> {
  return { allowed, fallback: undefined, accepts }
}

export const nameRule: OptionRule<string | undefined> = rule(NAME_ALLOWED, isLegalName)

/** For the options whose value the author writes as a function. */
export function functionRule<F>(): OptionRule<F | undefined> {
  return rule('a function', value => typeof value === 'function')
}

export function serdeRule(): OptionRule<Serde<unknown> | undefined> {
  return rule('a serde', value => hasMethod(value, 'open'))
}

export function isLegalName(value: unknown): boolean {
  return typeof value === 'string' && LEGAL_NAME.test(value) && value !== '.' && value !== '..'
}

export function checkName(where: string, name: unknown): void {
  if (!isLegalName(name)) throw invalid(`${where}: the name is ${show(name)}; allowed: ${NAME_ALLOWED}`)
}

export function checkFunction(where: string, value: unknown): void {
  if (typeof value !== 'function') throw invalid(`${where} takes a function, not ${show(value)}`)
}

export function hasMethod(value: unknown, method: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Readonly<Record<string, unknown>>)[method] === 'function'
  )
}

export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

export function invalid(message: string): TopologyError {
  return new TopologyError('TOPOLOGY_CONFIG_INVALID', message)
}
