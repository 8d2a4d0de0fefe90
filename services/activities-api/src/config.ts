import { ActivitiesError } from './errors.ts'

export interface ServiceConfig {
  readonly databaseUrl: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly logLevel: string
  /** Whether `/_control/faults` exists. */
  readonly hasFaultSwitch: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/**
 * Reads the service's configuration from the environment. A variable that is set to nothing counts as not set, as in
 * a Compose file's `KEY=`.
 * @throws ActivitiesError `ACTIVITIES_CONFIG_INVALID`, naming every fault and what is allowed
 */
export function readConfig(environment: Environment = process.env): ServiceConfig {
  const faults: string[] = []
  const read = (
    name: string,
    fallback: string,
    isAllowed: (text: string) => boolean,
    allowed: string,
  ): string => {
    const text = environment[name] || fallback
    if (!isAllowed(text))
      faults.push(`${name} is ${text === '' ? 'missing' : JSON.stringify(text)}; allowed is ${allowed}`)
    return text
  }
  // The URL has a password in it, so it is checked without being shown.
  const databaseUrl = environment['DATABASE_URL'] ?? ''
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) faults.push('DATABASE_URL must be a postgres:// URL')
  const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535
  const config = {
    databaseUrl,
    host: environment['HOST'] || '127.0.0.1',
    port: Number(read('PORT', '8070', isPort, 'a whole number from 0 to 65535')),
    logLevel: read('LOG_LEVEL', 'info', text => LOG_LEVELS.includes(text), `one of ${LOG_LEVELS.join(', ')}`),
    hasFaultSwitch:
      read('ACTIVITIES_FAULTS', 'off', text => text === 'on' || text === 'off', 'on or off') === 'on',
  }
  if (faults.length > 0) throw new ActivitiesError('ACTIVITIES_CONFIG_INVALID', faults.join('. '))
  return config
}
