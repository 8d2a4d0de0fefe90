/** What the service is told by its environment. */
export interface ServiceConfig {
  readonly kafkaBrokers: readonly string[]
  readonly schemaRegistryUrl: string
  readonly activitiesApiUrl: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: string
  readonly groupProtocol: 'consumer' | 'classic'
  /** Static membership. */
  readonly instanceId: string | undefined
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** Reads and checks the environment. Throws one Error that names every fault and what is allowed. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): ServiceConfig {
  const faults: string[] = []
  const required = (name: string, meaning: string): string => {
    const value = env[name]
    if (value !== undefined && value !== '') return value
    faults.push(`${name} is missing: ${meaning}`)
    return ''
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
  const port = Number(env['PORT'] ?? 8080)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    faults.push(`PORT is '${env['PORT']}'; allowed: 0 to 65535`)
  const config: ServiceConfig = {
    kafkaBrokers: required('KAFKA_BROKERS', 'host:port of some brokers, separated by commas').split(','),
    schemaRegistryUrl: required('SCHEMA_REGISTRY_URL', 'the registry’s URL'),
    activitiesApiUrl: required('ACTIVITIES_API_URL', 'the URL of activities-api'),
    host: env['HOST'] ?? '127.0.0.1',
    port,
    logLevel: choice('LOG_LEVEL', LOG_LEVELS, 'info'),
    groupProtocol: choice('GROUP_PROTOCOL', ['consumer', 'classic'], 'consumer'),
    instanceId: env['INSTANCE_ID'],
  }
  if (faults.length > 0) throw new Error(`marketing-events cannot start: ${faults.join('; ')}`)
  return config
}
