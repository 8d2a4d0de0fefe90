import { CliError } from './context.ts'

/* What the values of options and arguments mean. All of them refuse what they do not take, with exit code 2. */

/** Bounds as an option's value has them. */
export function wholeNumber(option: string, text: string, min = 0): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
  if (value >= min) return value
  throw new CliError(`${option} is ${JSON.stringify(text)}; a whole number from ${min} on is allowed.`, 2)
}

/** A moment in ISO 8601, in milliseconds since the epoch. */
export function timeOf(option: string, text: string): number {
  // `Date` takes much else, in the time zone of the machine.
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
  const timeMs = isIso ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(timeMs)) return timeMs
  throw new CliError(
    `${option} is ${JSON.stringify(text)}; allowed: 2026-01-31, 2026-01-31T12:00:00Z, 2026-01-31T12:00+01:00.`,
    2,
  )
}

/** One of a list. */
export function oneOf<const T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find(known => known === text)
  if (found !== undefined) return found
  throw new CliError(`${option} is ${JSON.stringify(text)}; allowed: ${allowed.join(', ')}.`, 2)
}
