/** What the service is told by its environment. */
export interface ServiceConfig {
  readonly kafkaBrokers: readonly string[]
  readonly schemaRegistryUrl: string
  readonly brazeUrl: string
  readonly brazeApiKey: string
  /** Requests in any three seconds that this process may make. */
  readonly maxRequestsPerWindow: number
  readonly maxRequestsPerHour: number | undefined
  readonly lingerMs: number
  readonly maxInFlight: number
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: string
  readonly groupProtocol: 'consumer' | 'classic'
  /** Static membership. */
  readonly instanceId: string | undefined
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']
const BRAZE_VARIABLES = [
  'BRAZE_URL',
  'BRAZE_API_KEY',
  'BRAZE_MAX_REQUESTS_PER_WINDOW',
  'BRAZE_MAX_REQUESTS_PER_HOUR',
  'BRAZE_LINGER_MS',
  'BRAZE_MAX_IN_FLIGHT',
]

/**
 * Reads and checks the environment. Throws one Error that names every fault and what is allowed; an unknown `BRAZE_…`
 * variable is one, because a misspelt limit must not silently be the default.
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): ServiceConfig {
  const faults = Object.keys(env)
    .filter(name => name.startsWith('BRAZE_') && !BRAZE_VARIABLES.includes(name))
    .map(name => `${name} is unknown; allowed: ${BRAZE_VARIABLES.join(', ')}`)
  const required = (name: string, meaning: string): string => {
    const value = env[name]
    if (value !== undefined && value !== '') return value
    faults.push(`${name} is missing: ${meaning}`)
    return ''
  }
  const integer = (name: string, fallback: number, max: number): number => {
    const value = Number(env[name] ?? fallback)
    if (!Number.isInteger(value) || value < 0 || value > max)
      faults.push(`${name} is '${env[name]}'; allowed: 0 to ${max}`)
    return value
  }
  const choice = <const T extends readonly string[]>(
    name: string,
    allowed: T,
    fallback: T[number],
  ): T[number] => {
    const value = env[name] ?? fallback
    if (!allowed.includes(value)) faults.push(`${name} is '${value}'; allowed: ${allowed.join(', ')}`)
    return value
  }
  const hourly = integer('BRAZE_MAX_REQUESTS_PER_HOUR', 0, 2_147_483_647)
  const config: ServiceConfig = {
    kafkaBrokers: required('KAFKA_BROKERS', 'host:port of some brokers, separated by commas').split(','),
    schemaRegistryUrl: required('SCHEMA_REGISTRY_URL', "the registry's URL"),
    brazeUrl: required('BRAZE_URL', "the REST endpoint of the company's Braze instance"),
    brazeApiKey: required('BRAZE_API_KEY', 'a key with the permission users.track'),
    maxRequestsPerWindow: integer('BRAZE_MAX_REQUESTS_PER_WINDOW', 3_000, 1_000_000),
    maxRequestsPerHour: hourly === 0 ? undefined : hourly,
    lingerMs: integer('BRAZE_LINGER_MS', 200, 60_000),
    maxInFlight: integer('BRAZE_MAX_IN_FLIGHT', 8, 1_000),
    host: env['HOST'] ?? '127.0.0.1',
    port: integer('PORT', 8080, 65_535),
    logLevel: choice('LOG_LEVEL', LOG_LEVELS, 'info'),
    groupProtocol: choice('GROUP_PROTOCOL', ['consumer', 'classic'], 'consumer'),
    instanceId: env['INSTANCE_ID'],
  }
  if (faults.length > 0) throw new Error(`braze-sink cannot start: ${faults.join('; ')}`)
  return config
}
