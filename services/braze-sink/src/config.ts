import { Environment, type CommonConfig } from '@tributary/service'

/** What the service is told by its environment. */
export interface ServiceConfig extends CommonConfig {
  readonly brazeUrl: string
  readonly brazeApiKey: string
  /** Requests in any three seconds that this process may make. */
  readonly maxRequestsPerWindow: number
  /** Undefined: the contract has no hourly limit. */
  readonly maxRequestsPerHour: number | undefined
  /** How long a request waits to be filled. */
  readonly lingerMs: number
  /** Requests under way at once, each on a connection of its own. */
  readonly maxInFlight: number
  readonly requestTimeoutMs: number
}

const INT32_MAX = 2_147_483_647

/** Throws one Error that names every fault and what is allowed. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): ServiceConfig {
  const environment = new Environment('braze-sink', env)
  environment.refuseUnknown('BRAZE_', [
    'BRAZE_URL',
    'BRAZE_API_KEY',
    'BRAZE_MAX_REQUESTS_PER_WINDOW',
    'BRAZE_MAX_REQUESTS_PER_HOUR',
    'BRAZE_LINGER_MS',
    'BRAZE_MAX_IN_FLIGHT',
    'BRAZE_REQUEST_TIMEOUT_MS',
  ])
  const perHour = environment.integer('BRAZE_MAX_REQUESTS_PER_HOUR', { fallback: 0, min: 0, max: INT32_MAX })
  const config: ServiceConfig = {
    ...environment.common(),
    brazeUrl: environment.required('BRAZE_URL', "the REST endpoint of the company's Braze instance"),
    brazeApiKey: environment.required('BRAZE_API_KEY', 'a key with the permission users.track'),
    maxRequestsPerWindow: environment.integer('BRAZE_MAX_REQUESTS_PER_WINDOW', {
      fallback: 3_000,
      min: 1,
      max: 1_000_000,
    }),
    maxRequestsPerHour: perHour === 0 ? undefined : perHour,
    lingerMs: environment.integer('BRAZE_LINGER_MS', { fallback: 200, min: 0, max: 60_000 }),
    maxInFlight: environment.integer('BRAZE_MAX_IN_FLIGHT', { fallback: 8, min: 1, max: 1_000 }),
    requestTimeoutMs: environment.integer('BRAZE_REQUEST_TIMEOUT_MS', {
      fallback: 10_000,
      min: 1,
      max: 300_000,
    }),
  }
  environment.check()
  return config
}
