import { SimulatorConfigError } from './errors.ts'
import { optionNames, optionSpecs, resolveOptions } from './options.ts'
import type { OptionName, ResolvedOptions } from './options.ts'

export interface ServiceConfig {
  readonly host: string
  readonly port: number
  readonly logLevel: string
  readonly options: ResolvedOptions
}

type Environment = Readonly<Record<string, string | undefined>>

const PREFIX = 'SIMULATOR_'
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** The environment variable that sets an option: `burstRequests` is `SIMULATOR_BURST_REQUESTS`. */
export function variableOf(name: OptionName): string {
  if (name === 'apiKey') return 'BRAZE_API_KEY'
  return PREFIX + name.replaceAll(/[A-Z]/g, letter => `_${letter}`).toUpperCase()
}

/** A value that is set to nothing counts as not set, as in a Compose file's `KEY=`. */
function textOf(environment: Environment, variable: string): string | undefined {
  const value = environment[variable]
  return value === '' ? undefined : value
}

function optionOf(environment: Environment, name: OptionName): unknown {
  const text = textOf(environment, variableOf(name))
  const isWholeNumber = optionSpecs[name].kind === 'integer' && text !== undefined && /^\d+$/.test(text)
  return isWholeNumber ? Number(text) : text
}

function portOf(environment: Environment): number {
  const text = textOf(environment, 'PORT') ?? '8090'
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new SimulatorConfigError(`PORT is ${JSON.stringify(text)}; allowed is a whole number from 0 to 65535`)
}

function logLevelOf(environment: Environment): string {
  const level = textOf(environment, 'LOG_LEVEL') ?? 'info'
  if (LOG_LEVELS.includes(level)) return level
  throw new SimulatorConfigError(
    `LOG_LEVEL is ${JSON.stringify(level)}; allowed is one of ${LOG_LEVELS.join(', ')}`,
  )
}

/**
 * Reads the service's configuration from the environment.
 * @throws SimulatorConfigError for a value that is not allowed, and for a `SIMULATOR_…` variable that is unknown:
 *   a misspelt limit must not silently be the default
 */
export function readConfig(environment: Environment = process.env): ServiceConfig {
  const known = optionNames.map(variableOf)
  for (const variable of Object.keys(environment)) {
    if (variable.startsWith(PREFIX) && !known.includes(variable)) {
      const allowed = known.filter(name => name.startsWith(PREFIX)).join(', ')
      throw new SimulatorConfigError(`${variable} is unknown; allowed are ${allowed}`)
    }
  }
  const given = Object.fromEntries(optionNames.map(name => [name, optionOf(environment, name)]))
  return {
    host: textOf(environment, 'HOST') ?? '127.0.0.1',
    port: portOf(environment),
    logLevel: logLevelOf(environment),
    options: resolveOptions(given, variableOf),
  }
}
