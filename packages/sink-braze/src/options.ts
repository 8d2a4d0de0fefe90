import { systemClock, type Clock, type Logger } from '@tributary/topology'
import { BrazeError } from './errors.ts'

/**
 * What the contract with Braze allows, per company and endpoint. The first two are the limit of contracts by data points
 * (https://www.braze.com/docs/api/api_limits); contracts by monthly active users have figures of their own, which Braze's
 * dashboard shows under Settings > APIs and Identifiers.
 */
export interface BrazeLimits {
  /** Requests in any span of `windowMs`, wherever it begins. Default 3,000. */
  readonly maxRequests: number
  /** Default 3,000. */
  readonly windowMs: number
  /** Requests per hour of the clock, when the contract has such a limit. Default: none. */
  readonly maxRequestsPerHour: number | undefined
}

export interface BrazeDestinationOptions {
  /** The REST endpoint of the company's Braze instance, such as `https://rest.fra-01.braze.eu`. */
  readonly url: string
  /** With the permission `users.track`. A function is asked for each request, so that a key can be changed live. */
  readonly apiKey: string | (() => string)
  readonly limits?: { readonly [Name in keyof BrazeLimits]?: BrazeLimits[Name] | undefined }
  /** From sending a request to the end of its answer. Default 10,000. */
  readonly requestTimeoutMs?: number
  /** Attributes, events and purchases together. Default 75, which is Braze's limit. */
  readonly maxObjectsPerRequest?: number
  /** UTF-8. Default 3,500,000; Braze's limit is 4 MB. */
  readonly maxRequestBytes?: number
  /** Connections kept open. Default 16; more requests than that at a time wait for one. */
  readonly connections?: number
  readonly logger?: Pick<Logger, 'warn'>
  readonly clock?: Clock
  readonly random?: () => number
}

export interface ResolvedOptions {
  readonly url: URL
  readonly apiKey: () => string
  readonly limits: BrazeLimits
  readonly requestTimeoutMs: number
  readonly maxObjectsPerRequest: number
  readonly maxRequestBytes: number
  readonly connections: number
  readonly logger: Pick<Logger, 'warn'>
  readonly clock: Clock
  readonly random: () => number
}

interface NumberRule {
  readonly fallback: number | undefined
  readonly min: number
  readonly max: number
}

const INT32_MAX = 2_147_483_647

const NUMBERS: Readonly<
  Record<'requestTimeoutMs' | 'maxObjectsPerRequest' | 'maxRequestBytes' | 'connections', NumberRule>
> = {
  requestTimeoutMs: { fallback: 10_000, min: 1, max: INT32_MAX },
  maxObjectsPerRequest: { fallback: 75, min: 1, max: 225 },
  maxRequestBytes: { fallback: 3_500_000, min: 1_000, max: 4_000_000 },
  connections: { fallback: 16, min: 1, max: 1_000 },
}

const LIMITS: Readonly<Record<keyof BrazeLimits, NumberRule>> = {
  maxRequests: { fallback: 3_000, min: 1, max: 1_000_000 },
  windowMs: { fallback: 3_000, min: 1, max: 3_600_000 },
  maxRequestsPerHour: { fallback: undefined, min: 1, max: INT32_MAX },
}

const OTHERS = ['url', 'apiKey', 'limits', 'logger', 'clock', 'random']

/** @throws BrazeError BRAZE_OPTION_INVALID, naming every fault at once */
export function resolveOptions(options: BrazeDestinationOptions): ResolvedOptions {
  const faults: string[] = []
  const url = parseUrl(options.url, faults)
  const { apiKey, limits = {}, logger = SILENT, clock = systemClock, random = Math.random } = options
  if (typeof apiKey !== 'function' && !isUsableKey(apiKey)) faults.push(`apiKey ${KEY_FAULT}`)
  refuseUnknown('', options, [...Object.keys(NUMBERS), ...OTHERS], faults)
  refuseUnknown('limits.', limits, Object.keys(LIMITS), faults)
  const numbers = numbersOf('', NUMBERS, options, faults)
  const resolvedLimits = numbersOf('limits.', LIMITS, limits, faults)
  if (faults.length > 0 || url === undefined) throw invalid(faults)
  return {
    url,
    apiKey: typeof apiKey === 'function' ? () => checkedKey(apiKey()) : () => apiKey,
    limits: resolvedLimits as unknown as BrazeLimits,
    ...(numbers as Record<keyof typeof NUMBERS, number>),
    logger,
    clock,
    random,
  }
}

const SILENT: Pick<Logger, 'warn'> = { warn: () => {} }
// The key itself is never shown, not even when it is malformed.
const KEY_FAULT = 'must be a text without spaces or control characters, or a function that returns one'

function isUsableKey(key: unknown): boolean {
  return typeof key === 'string' && /^[\x21-\x7e]+$/.test(key)
}

function checkedKey(key: string): string {
  if (!isUsableKey(key)) throw invalid([`what the function apiKey returned ${KEY_FAULT}`])
  return key
}

function parseUrl(text: string, faults: string[]): URL | undefined {
  const url = URL.parse(text)
  const isUsable =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === ''
  if (!isUsable) {
    faults.push('url must be an http or https URL without credentials, query or fragment')
    return undefined
  }
  return url
}

function refuseUnknown(prefix: string, given: object, allowed: readonly string[], faults: string[]): void {
  for (const name of Object.keys(given)) {
    if (!allowed.includes(name))
      faults.push(`${prefix}${name} is not an option; allowed: ${allowed.join(', ')}`)
  }
}

function numbersOf(
  prefix: string,
  rules: Readonly<Record<string, NumberRule>>,
  given: object,
  faults: string[],
): Record<string, number | undefined> {
  const resolved: Record<string, number | undefined> = {}
  for (const [name, { fallback, min, max }] of Object.entries(rules)) {
    const value = (given as Readonly<Record<string, unknown>>)[name]
    const isUsable = Number.isInteger(value) && (value as number) >= min && (value as number) <= max
    if (value !== undefined && !isUsable) {
      faults.push(
        `${prefix}${name} is ${JSON.stringify(value)}; allowed: a whole number from ${min} to ${max}`,
      )
    }
    resolved[name] = value === undefined ? fallback : (value as number)
  }
  return resolved
}

function invalid(faults: readonly string[]): BrazeError {
  return new BrazeError('BRAZE_OPTION_INVALID', `The options of the Braze destination: ${faults.join('; ')}`)
}
