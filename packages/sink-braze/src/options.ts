import { systemClock, type Clock, type Logger } from '@tributary/topology'
import { isUsableKey, KEY_FAULT } from './api-key.ts'
import { BrazeError } from './errors.ts'
import {
  resolveShaping,
  SHAPING_OPTIONS,
  type BrazeShapingOptions,
  type ResolvedShaping,
} from './shaping-options.ts'

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
  /**
   * Requests per minute to `/users/delete`, which shares that limit with the endpoints for aliases, for identifying and for
   * merging users. Default 20,000.
   */
  readonly maxDeletesPerMinute: number
  /**
   * How long after an assignment the share of a new partition counts. Default: `windowMs` where `connections` is at most the
   * smallest part of the limit that falls to a partition (of an hour's limit: of its opening, a quarter), else
   * `windowMs` and `requestTimeoutMs` together. Then nothing that the partition's former owner sent can go beyond its share;
   * all processes need the same `connections` for it. Where there is never more than one process, 0 is safe, and counts for
   * `/users/delete`, too. Any other value is for `/users/track` alone, as deletions have a window of their own, a minute.
   */
  readonly handoverMs: number | undefined
}

export interface BrazeDestinationOptions extends BrazeShapingOptions {
  /** The REST endpoint of the company's Braze instance, such as `https://rest.fra-01.braze.eu`. */
  readonly url: string
  /**
   * With the permission `users.track`. A function (`apiKeyFrom`) is asked for each request, so that a key can be changed
   * live.
   */
  readonly apiKey: string | (() => string)
  readonly limits?: { readonly [Name in keyof BrazeLimits]?: BrazeLimits[Name] | undefined }
  /** From sending a request to the end of its answer. Default 10,000. */
  readonly requestTimeoutMs?: number
  /** By the count that `objectLimit` says. Default 75, which is Braze's limit. */
  readonly maxObjectsPerRequest?: number
  /** UTF-8. Default 3,500,000; Braze's limit is 4 MB. */
  readonly maxRequestBytes?: number
  /**
   * The part of the limits, 0 to 0.5, that only urgent batches may use (`isUrgent` of the step; without that option all
   * batches are urgent and there is no reserve). Default 0.1.
   */
  readonly urgentReserve?: number
  /**
   * How long users rest whose objects Braze took in: what comes next for them is sent that much later, because Braze applies
   * what it took in 10 to 100 ms later, and separate requests in no particular order. Other users go on. Default 0.
   */
  readonly userGapMs?: number
  /** Between tries while Braze denies access, doubling up to `probeMaxMs`. Default 5,000. */
  readonly probeBaseMs?: number
  /** Default 60,000. */
  readonly probeMaxMs?: number
  /**
   * Connections kept open. Default 16; more requests than that at a time wait for one. The same for all processes that share
   * a limit (`limits.handoverMs`).
   */
  readonly connections?: number
  readonly logger?: Pick<Logger, 'warn' | 'error'>
  readonly clock?: Clock
  readonly random?: () => number
}

export interface ResolvedOptions {
  readonly url: URL
  readonly apiKey: () => string
  readonly shaping: ResolvedShaping
  readonly limits: BrazeLimits
  readonly requestTimeoutMs: number
  readonly maxObjectsPerRequest: number
  readonly maxRequestBytes: number
  readonly connections: number
  readonly urgentReserve: number
  readonly userGapMs: number
  readonly probeBaseMs: number
  readonly probeMaxMs: number
  readonly logger: Pick<Logger, 'warn' | 'error'>
  readonly clock: Clock
  readonly random: () => number
}

interface NumberRule {
  readonly fallback: number | undefined
  readonly min: number
  readonly max: number
  /** A part, not a number of things. */
  readonly isFraction?: boolean
}

const INT32_MAX = 2_147_483_647

const NUMBERS: Readonly<
  Record<
    | 'requestTimeoutMs'
    | 'maxObjectsPerRequest'
    | 'maxRequestBytes'
    | 'urgentReserve'
    | 'userGapMs'
    | 'probeBaseMs'
    | 'probeMaxMs'
    | 'connections',
    NumberRule
  >
> = {
  requestTimeoutMs: { fallback: 10_000, min: 1, max: INT32_MAX },
  maxObjectsPerRequest: { fallback: 75, min: 1, max: 225 },
  maxRequestBytes: { fallback: 3_500_000, min: 1_000, max: 4_000_000 },
  urgentReserve: { fallback: 0.1, min: 0, max: 0.5, isFraction: true },
  userGapMs: { fallback: 0, min: 0, max: 60_000 },
  probeBaseMs: { fallback: 5_000, min: 1, max: 3_600_000 },
  probeMaxMs: { fallback: 60_000, min: 1, max: 3_600_000 },
  connections: { fallback: 16, min: 1, max: 1_000 },
}

const LIMITS: Readonly<Record<keyof BrazeLimits, NumberRule>> = {
  maxRequests: { fallback: 3_000, min: 1, max: 1_000_000 },
  windowMs: { fallback: 3_000, min: 1, max: 3_600_000 },
  maxRequestsPerHour: { fallback: undefined, min: 1, max: INT32_MAX },
  maxDeletesPerMinute: { fallback: 20_000, min: 1, max: 1_000_000 },
  handoverMs: { fallback: undefined, min: 0, max: 3_600_000 },
}

const OTHERS = ['url', 'apiKey', 'limits', 'logger', 'clock', 'random']

/** @throws BrazeError BRAZE_OPTION_INVALID, naming every fault at once */
export function resolveOptions(options: BrazeDestinationOptions): ResolvedOptions {
  const faults: string[] = []
  const url = parseUrl(options.url, faults)
  const { apiKey, limits = {}, logger = SILENT, clock = systemClock, random = Math.random } = options
  if (typeof apiKey !== 'function' && !isUsableKey(apiKey))
    faults.push(`apiKey ${KEY_FAULT}, or a function that returns one`)
  refuseUnknown('', options, [...Object.keys(NUMBERS), ...SHAPING_OPTIONS, ...OTHERS], faults)
  refuseUnknown('limits.', limits, Object.keys(LIMITS), faults)
  const numbers = numbersOf('', NUMBERS, options, faults)
  const shaping = resolveShaping(options, faults)
  const resolvedLimits = numbersOf('limits.', LIMITS, limits, faults) as unknown as BrazeLimits
  if (faults.length > 0 || url === undefined) throw invalid(faults)
  return {
    url,
    apiKey: typeof apiKey === 'function' ? () => checkedKey(apiKey) : () => apiKey,
    shaping,
    limits: resolvedLimits as unknown as BrazeLimits,
    ...(numbers as Record<keyof typeof NUMBERS, number>),
    logger,
    clock,
    random,
  }
}

const SILENT: Pick<Logger, 'warn' | 'error'> = { warn: () => {}, error: () => {} }

/** The key itself is never shown, not even when it is malformed, nor what a function threw instead of returning one. */
function checkedKey(apiKey: () => string): string {
  let key: unknown
  try {
    key = apiKey()
  } catch (cause) {
    throw new BrazeError('BRAZE_KEY_UNUSABLE', 'The function apiKey threw an error', {
      retry: BACKOFF,
      cause,
    })
  }
  if (isUsableKey(key)) return key
  throw new BrazeError('BRAZE_KEY_UNUSABLE', `What the function apiKey returned ${KEY_FAULT}`, {
    retry: BACKOFF,
  })
}

const BACKOFF = { kind: 'backoff' } as const

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
  for (const [name, { fallback, min, max, isFraction = false }] of Object.entries(rules)) {
    const value = (given as Readonly<Record<string, unknown>>)[name]
    const isNumber = isFraction ? Number.isFinite(value) : Number.isInteger(value)
    const isUsable = isNumber && (value as number) >= min && (value as number) <= max
    if (value !== undefined && !isUsable) {
      const allowed = `${isFraction ? 'a' : 'a whole'} number from ${min} to ${max}`
      faults.push(`${prefix}${name} is ${JSON.stringify(value)}; allowed: ${allowed}`)
    }
    resolved[name] = value === undefined ? fallback : (value as number)
  }
  return resolved
}

function invalid(faults: readonly string[]): BrazeError {
  return new BrazeError('BRAZE_OPTION_INVALID', `The options of the Braze destination: ${faults.join('; ')}`)
}
