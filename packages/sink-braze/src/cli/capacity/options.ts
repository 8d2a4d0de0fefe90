import { parseArgs } from 'node:util'
import { UsageError } from '../context.ts'
import type { Limits, Load } from './load.ts'

/** An unpublished limit is a figure that has to be given. */
interface Contract {
  readonly perWindow: number | 'unpublished'
  readonly perHour: number | 'none' | 'unpublished'
  readonly arrays: 'combined' | 'each'
}

/**
 * https://www.braze.com/docs/api/api_limits and, for contracts by monthly active users,
 * https://www.braze.com/docs/api/endpoints/user_data/post_user_track
 */
const CONTRACTS = {
  'data-points': { perWindow: 3_000, perHour: 'none', arrays: 'combined' },
  legacy: { perWindow: 3_000, perHour: 'none', arrays: 'each' },
  mau: { perWindow: 'unpublished', perHour: 'unpublished', arrays: 'combined' },
} as const satisfies Readonly<Record<string, Contract>>

/** Objects that one array may hold (contract `legacy`), or all three together. */
const MAX_OBJECTS = 75
const INT32_MAX = 2_147_483_647

export const OPTIONS = {
  'events-per-second': { type: 'string' },
  mean: { type: 'string' },
  profile: { type: 'string' },
  'attributes-per-event': { type: 'string' },
  suppressed: { type: 'string' },
  folding: { type: 'string' },
  fill: { type: 'string' },
  'linger-ms': { type: 'string' },
  'latency-ms': { type: 'string' },
  'urgent-reserve': { type: 'string' },
  contract: { type: 'string' },
  'limit-per-3s': { type: 'string' },
  'limit-per-hour': { type: 'string' },
  replicas: { type: 'string' },
  partitions: { type: 'string' },
  backlog: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

type Values = { readonly [Name in keyof typeof OPTIONS]?: string | boolean }

export interface Question {
  readonly load: Load
  readonly limits: Limits
  readonly contract: string
}

/** @throws UsageError */
export function parseValues(args: readonly string[], usage: string): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`)
  }
}

/** @throws UsageError */
export function questionOf(values: Values): Question {
  const hours = hoursOf(values)
  const peak = number(values, 'events-per-second', { min: 0 }) ?? Math.max(...hours)
  if (peak <= 0) throw new UsageError('--events-per-second must be above 0.')
  if (Math.max(...hours) > peak) {
    throw new UsageError(
      `An hour's mean, ${Math.max(...hours)}, is above the peak, ${peak} events per second.`,
    )
  }
  const { contract, name, limits } = contractOf(values)
  const attributesPerEvent = number(values, 'attributes-per-event', { min: 0, max: 100 }) ?? 1
  const suppressedShare = share(values, 'suppressed')
  const foldedShare = share(values, 'folding')
  const attributes = attributesPerEvent * (1 - suppressedShare) * (1 - foldedShare)
  const replicas = whole(values, 'replicas', 10_000) ?? 1
  const partitions = whole(values, 'partitions', 100_000)
  if (replicas > 1 && partitions === undefined) {
    throw new UsageError(
      '--partitions is missing: replicas share the limits by the partitions that they have.',
    )
  }
  return {
    contract: name,
    limits,
    load: {
      peakEventsPerSecond: peak,
      hours,
      attributesPerEvent,
      suppressedShare,
      foldedShare,
      fill: fillOf(values, contract, attributes),
      lingerMs: number(values, 'linger-ms', { min: 0, max: 60_000 }) ?? 200,
      latencyMs: number(values, 'latency-ms', { min: 0, max: 60_000 }) ?? 100,
      urgentReserve: reserveOf(values),
      replicas,
      partitions,
      backlog: whole(values, 'backlog', Number.MAX_SAFE_INTEGER),
    },
  }
}

function hoursOf(values: Values): readonly number[] {
  const { profile } = values
  const mean = number(values, 'mean', { min: 0 })
  if (typeof profile === 'string') {
    if (mean !== undefined) throw new UsageError('--mean and --profile exclude each other.')
    return profile.split(',').map(text => parsed('profile', text.trim(), { min: 0 }))
  }
  const peak = number(values, 'events-per-second', { min: 0 })
  if (peak === undefined) throw new UsageError('--events-per-second (or --profile) is missing.')
  return [mean ?? peak]
}

function reserveOf(values: Values): number {
  if (values['urgent-reserve'] === undefined) return 0.1
  const reserve = share(values, 'urgent-reserve')
  if (reserve <= 0.5) return reserve
  throw new UsageError(`--urgent-reserve is '${values['urgent-reserve']}'; allowed: a share from 0 to 0.5.`)
}

function contractOf(values: Values): {
  readonly name: string
  readonly contract: Contract
  readonly limits: Limits
} {
  const name = String(values.contract ?? 'data-points')
  const contract = Object.hasOwn(CONTRACTS, name) ? CONTRACTS[name as keyof typeof CONTRACTS] : undefined
  if (contract === undefined) {
    throw new UsageError(`--contract is ${name}; allowed: ${Object.keys(CONTRACTS).join(', ')}.`)
  }
  const perWindow = whole(values, 'limit-per-3s', 1_000_000) ?? contract.perWindow
  const perHour = whole(values, 'limit-per-hour', INT32_MAX) ?? contract.perHour
  if (perWindow === 'unpublished' || perHour === 'unpublished') {
    throw new UsageError(
      `--limit-per-3s and --limit-per-hour are needed with --contract ${name}: Braze does not publish them. They stand in the dashboard under Settings > APIs and Identifiers > API Usage Dashboard.`,
    )
  }
  return { name, contract, limits: { perWindow, perHour: perHour === 'none' ? undefined : perHour } }
}

/** @param attributes objects per event that are sent */
function fillOf(values: Values, { arrays }: Contract, attributes: number): number {
  // One event to so many attributes objects: the array of the more frequent kind is full first.
  const most =
    arrays === 'combined' ? MAX_OBJECTS : (MAX_OBJECTS * (1 + attributes)) / Math.max(1, attributes)
  const fill = number(values, 'fill', { min: 1 }) ?? Math.min(70, most)
  if (fill <= most) return fill
  throw new UsageError(
    arrays === 'combined'
      ? `--fill is ${fill}; a request holds ${MAX_OBJECTS} objects, attributes and events together.`
      : `--fill is ${fill}; with ${attributes} attributes objects to an event and ${MAX_OBJECTS} in each array a request holds ${most}.`,
  )
}

interface Bounds {
  readonly min: number
  readonly max?: number
}

function number(values: Values, name: keyof Values, bounds: Bounds): number | undefined {
  const value = values[name]
  return typeof value === 'string' ? parsed(name, value, bounds) : undefined
}

function parsed(name: string, text: string, { min, max = Number.MAX_SAFE_INTEGER }: Bounds): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value >= min && value <= max) return value
  const allowed =
    max === Number.MAX_SAFE_INTEGER ? `a number from ${min} on` : `a number from ${min} to ${max}`
  throw new UsageError(`--${name} is '${text}'; allowed: ${allowed}.`)
}

function whole(values: Values, name: keyof Values, max: number): number | undefined {
  const value = values[name]
  if (typeof value !== 'string') return undefined
  if (/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= max) return Number(value)
  throw new UsageError(`--${name} is '${value}'; allowed: a whole number from 1 to ${max}.`)
}

/** `0.25` or `25%`. */
function share(values: Values, name: keyof Values): number {
  const value = values[name]
  if (typeof value !== 'string') return 0
  const isPercent = value.endsWith('%')
  const digits = isPercent ? value.slice(0, -1) : value
  const found = /^\d+(\.\d+)?$/.test(digits) ? Number(digits) / (isPercent ? 100 : 1) : Number.NaN
  if (found >= 0 && found <= 1) return found
  throw new UsageError(`--${name} is '${value}'; allowed: a share from 0 to 1, or from 0% to 100%.`)
}
