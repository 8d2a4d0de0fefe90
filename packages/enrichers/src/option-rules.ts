import { EnricherError } from './errors.ts'

/** Reads one option: answers its value or default, or throws `ENRICHER_OPTION_INVALID` naming `path`. */
export type OptionRule<Value> = (value: unknown, path: string) => Value
export type OptionTable<Options> = { readonly [Name in keyof Options]-?: OptionRule<Options[Name]> }

/** Node's timers hold 31 bits; a longer wait would fire at once. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1

interface NumberBounds<Default> {
  readonly min: number
  readonly max: number
  /** Left out: the option must be given. */
  readonly default?: Default
}

export function integer(bounds: NumberBounds<number>): OptionRule<number> {
  return numberRule({ ...bounds, isAllowed: Number.isInteger, kind: 'an integer' })
}

export function milliseconds(bounds: Partial<NumberBounds<number>>): OptionRule<number> {
  return integer({ min: 0, max: MAX_TIMER_MS, ...bounds })
}

export function number(bounds: NumberBounds<number>): OptionRule<number> {
  return numberRule({ ...bounds, isAllowed: Number.isFinite, kind: 'a number' })
}

function numberRule(
  rule: NumberBounds<number> & { readonly isAllowed: (value: number) => boolean; readonly kind: string },
): OptionRule<number> {
  return (value, path) => {
    if (value === undefined && rule.default !== undefined) return rule.default
    if (typeof value === 'number' && rule.isAllowed(value) && value >= rule.min && value <= rule.max)
      return value
    throw invalidOption(path, `must be ${rule.kind} from ${rule.min} to ${rule.max}`, value)
  }
}

export function text(): OptionRule<string> {
  return (value, path) => {
    if (typeof value === 'string' && value !== '') return value
    throw invalidOption(path, 'must be a string that is not empty', value)
  }
}

/** A function, or another thing that only the types can check further. */
export function required<Value>(kind: 'function' | 'object'): OptionRule<Value> {
  return (value, path) => {
    if (typeof value === kind && value !== null) return value as Value
    throw invalidOption(path, kind === 'function' ? 'must be a function' : 'must be an object', value)
  }
}

export function optional<Value>(rule: OptionRule<Value>): OptionRule<Value | undefined> {
  return (value, path) => (value === undefined ? undefined : rule(value, path))
}

export function withDefault<Value>(rule: OptionRule<Value>, fallback: Value): OptionRule<Value> {
  return (value, path) => (value === undefined ? fallback : rule(value, path))
}

/** The rule's value, or this one word. */
export function orWord<Value, Word extends string | boolean>(
  word: Word,
  rule: OptionRule<Value>,
): OptionRule<Value | Word> {
  return (value, path) => (value === word ? word : rule(value, path))
}

/** An object with these options and no others. Left out, every option in it takes its default. */
export function group<Options>(table: OptionTable<Options>): OptionRule<Options> {
  return (value, path) => readOptions(value ?? {}, table, path)
}

/** Every option of the table, checked and filled in; refuses keys that the table does not have. */
export function readOptions<Options>(given: unknown, table: OptionTable<Options>, path: string): Options {
  if (typeof given !== 'object' || given === null) throw invalidOption(path, 'must be an object', given)
  const names = Object.keys(table)
  const unknown = Object.keys(given).find(name => !names.includes(name))
  if (unknown !== undefined)
    throw new EnricherError(
      'ENRICHER_OPTION_INVALID',
      `${path}.${unknown} is no option; there are ${names.join(', ')}`,
    )
  const values = given as Readonly<Record<string, unknown>>
  const rules = table as Readonly<Record<string, OptionRule<unknown>>>
  const read = names.map(name => [name, rules[name]!(values[name], `${path}.${name}`)] as const)
  return Object.freeze(Object.fromEntries(read)) as Options
}

export function invalidOption(path: string, rule: string, value: unknown): EnricherError {
  const seen =
    typeof value === 'string' ? JSON.stringify(value) : typeof value === 'number' ? value : typeof value
  return new EnricherError('ENRICHER_OPTION_INVALID', `${path} ${rule}, not ${seen}`)
}
