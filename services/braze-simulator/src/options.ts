import { SimulatorConfigError } from './errors.ts'

/**
 * Which headers describe the limits: `general` as on Braze's page about API limits, `mau` as on the page of
 * `/users/track` for contracts by monthly active users.
 */
export type RateLimitHeaders = 'general' | 'mau'

/** `combined` counts the three arrays together; `per-array` is the rule of legacy contracts. */
export type ObjectLimit = 'combined' | 'per-array'

/** How `errors[].type` reads: the sentences that clients have met, or the codes of Braze's table. */
export type ErrorTypes = 'prose' | 'code'

export interface SimulatorOptions {
  /** The only key that is let in. */
  readonly apiKey: string
  /** Requests that any span of `burstWindowMs` may hold. */
  readonly burstRequests?: number
  readonly burstWindowMs?: number
  /** Requests per clock hour; left out, there is no such limit. */
  readonly hourlyRequests?: number | undefined
  /** Requests per minute to `/users/delete`, which has a limit of its own. */
  readonly deleteRequestsPerMinute?: number
  readonly rateLimitHeaders?: RateLimitHeaders
  readonly maxObjects?: number
  readonly objectLimit?: ObjectLimit
  readonly maxBodyBytes?: number
  readonly errorTypes?: ErrorTypes
  /** How long each request takes. Overlapping requests of one user can only be noticed when this is above 0. */
  readonly latencyMs?: number
  /** The objects of each request are applied after a random time up to this, and the answer does not wait for it. */
  readonly reorderMs?: number
  /** Where the random times come from. */
  readonly seed?: number
  /** Events, and purchases, that are kept; the oldest go first. Left out, all are kept. */
  readonly keepEvents?: number | undefined
  /** Requests that `GET /_simulator/requests` can list. */
  readonly keepRequests?: number
  /** Arrivals that `GET /_simulator/arrivals` can list. */
  readonly keepArrivals?: number
}

export interface ResolvedOptions {
  readonly apiKey: string
  readonly burstRequests: number
  readonly burstWindowMs: number
  readonly hourlyRequests: number | undefined
  readonly deleteRequestsPerMinute: number
  readonly rateLimitHeaders: RateLimitHeaders
  readonly maxObjects: number
  readonly objectLimit: ObjectLimit
  readonly maxBodyBytes: number
  readonly errorTypes: ErrorTypes
  readonly latencyMs: number
  readonly reorderMs: number
  readonly seed: number
  readonly keepEvents: number | undefined
  readonly keepRequests: number
  readonly keepArrivals: number
}

export type OptionName = keyof SimulatorOptions

export type OptionSpec =
  | {
      readonly kind: 'integer'
      readonly min: number
      readonly max: number
      readonly default: number | undefined
    }
  | { readonly kind: 'choice'; readonly of: readonly string[]; readonly default: string }
  | { readonly kind: 'text' }

const INT32_MAX = 2_147_483_647

/** Every option with its default and its bounds. Figures of Braze's are defaults, because its pages change. */
export const optionSpecs: Readonly<Record<OptionName, OptionSpec>> = {
  apiKey: { kind: 'text' },
  burstRequests: { kind: 'integer', min: 1, max: 1_000_000, default: 3_000 },
  burstWindowMs: { kind: 'integer', min: 1, max: 3_600_000, default: 3_000 },
  hourlyRequests: { kind: 'integer', min: 1, max: INT32_MAX, default: undefined },
  deleteRequestsPerMinute: { kind: 'integer', min: 1, max: 1_000_000, default: 20_000 },
  rateLimitHeaders: { kind: 'choice', of: ['general', 'mau'], default: 'general' },
  maxObjects: { kind: 'integer', min: 1, max: 10_000, default: 75 },
  objectLimit: { kind: 'choice', of: ['combined', 'per-array'], default: 'combined' },
  // The pages say "4 MB". The smaller reading is taken: what passes here passes under either.
  maxBodyBytes: { kind: 'integer', min: 1, max: 100_000_000, default: 4_000_000 },
  errorTypes: { kind: 'choice', of: ['prose', 'code'], default: 'prose' },
  latencyMs: { kind: 'integer', min: 0, max: 600_000, default: 0 },
  reorderMs: { kind: 'integer', min: 0, max: 600_000, default: 0 },
  seed: { kind: 'integer', min: 0, max: INT32_MAX, default: 1 },
  keepEvents: { kind: 'integer', min: 0, max: INT32_MAX, default: undefined },
  keepRequests: { kind: 'integer', min: 0, max: 10_000_000, default: 1_000 },
  keepArrivals: { kind: 'integer', min: 0, max: 10_000_000, default: 100_000 },
}

export const optionNames = Object.keys(optionSpecs) as readonly OptionName[]

function resolve(spec: OptionSpec, value: unknown, label: string): unknown {
  switch (spec.kind) {
    case 'text': {
      if (typeof value === 'string' && value.trim() !== '') return value
      const seen = value === undefined ? 'is missing' : 'is empty or no text'
      throw new SimulatorConfigError(`${label} ${seen}: set it to the key that clients will send`)
    }
    case 'choice': {
      if (value === undefined) return spec.default
      if (typeof value === 'string' && spec.of.includes(value)) return value
      throw new SimulatorConfigError(
        `${label} is ${JSON.stringify(value)}; allowed is one of ${spec.of.join(', ')}`,
      )
    }
    case 'integer': {
      if (value === undefined) return spec.default
      if (typeof value === 'number' && Number.isInteger(value) && value >= spec.min && value <= spec.max) {
        return value
      }
      throw new SimulatorConfigError(
        `${label} is ${JSON.stringify(value)}; allowed is a whole number from ${spec.min} to ${spec.max}`,
      )
    }
  }
}

/**
 * Checks the options and fills in the defaults.
 * @param labelOf how an option is called in messages; the environment has other names for them
 * @throws SimulatorConfigError for an unknown option or a value out of bounds
 */
export function resolveOptions(
  options: Readonly<Record<string, unknown>> | SimulatorOptions,
  labelOf: (name: OptionName) => string = name => `option ${name}`,
): ResolvedOptions {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(optionSpecs, name)) {
      throw new SimulatorConfigError(`option ${name} is unknown; allowed are ${optionNames.join(', ')}`)
    }
  }
  const given = options as Readonly<Record<string, unknown>>
  const resolved = Object.fromEntries(
    optionNames.map(name => [name, resolve(optionSpecs[name], given[name], labelOf(name))]),
  ) as unknown as ResolvedOptions
  if (resolved.rateLimitHeaders === 'mau' && resolved.hourlyRequests === undefined) {
    throw new SimulatorConfigError(
      `${labelOf('rateLimitHeaders')} is "mau", whose headers describe the hourly window only: set ${labelOf('hourlyRequests')} too`,
    )
  }
  return Object.freeze(resolved)
}
